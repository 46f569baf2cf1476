import { CreateOutbox1763800000000, IndexOutboxPosition1764000000000 } from '@parley/events';
import { CreateSessions1763800100000 } from './1763800100000-create-sessions.ts';

/** In the order they run. */
export const migrations = [
  CreateOutbox1763800000000,
  CreateSessions1763800100000,
  IndexOutboxPosition1764000000000,
];
