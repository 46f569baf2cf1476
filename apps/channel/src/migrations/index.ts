import {
  CreateOutbox1763800000000,
  HoldMoreInOutboxRow1764300000000,
  IndexOutboxPosition1764000000000,
} from '@parley/events';
import { CreateChannels1764100000000 } from './1764100000000-create-channels.ts';

/** In the order they run. */
export const migrations = [
  CreateOutbox1763800000000,
  IndexOutboxPosition1764000000000,
  CreateChannels1764100000000,
  HoldMoreInOutboxRow1764300000000,
];
