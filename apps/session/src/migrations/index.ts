import {
  CreateOutbox1763800000000,
  HoldMoreInOutboxRow1764300000000,
  IndexOutboxPosition1764000000000,
} from '@parley/events';
import { CreateSessions1763800100000 } from './1763800100000-create-sessions.ts';
import { CreateStartRequests1763900000000 } from './1763900000000-create-start-requests.ts';
import { Converse1764100000000 } from './1764100000000-converse.ts';
import { PassOverTheDue1764400000000 } from './1764400000000-pass-over-the-due.ts';

/** In the order they run. */
export const migrations = [
  CreateOutbox1763800000000,
  CreateSessions1763800100000,
  CreateStartRequests1763900000000,
  IndexOutboxPosition1764000000000,
  Converse1764100000000,
  HoldMoreInOutboxRow1764300000000,
  PassOverTheDue1764400000000,
];
