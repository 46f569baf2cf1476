import { CreateOutbox1763800000000, IndexOutboxPosition1764000000000 } from '@parley/events';
import { CreateFlows1763800100000 } from './1763800100000-create-flows.ts';
import { CountFlowEvents1763900000000 } from './1763900000000-count-flow-events.ts';
import { TellWhoReadsContacts1764100000000 } from './1764100000000-tell-who-reads-contacts.ts';

/** In the order they run. */
export const migrations = [
  CreateOutbox1763800000000,
  CreateFlows1763800100000,
  CountFlowEvents1763900000000,
  IndexOutboxPosition1764000000000,
  TellWhoReadsContacts1764100000000,
];
