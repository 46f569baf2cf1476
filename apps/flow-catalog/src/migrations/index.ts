import { outboxMigrations } from '@parley/events';
import { CreateFlows1763800100000 } from './1763800100000-create-flows.ts';
import { CountFlowEvents1763900000000 } from './1763900000000-count-flow-events.ts';
import { TellWhoReadsContacts1764100000000 } from './1764100000000-tell-who-reads-contacts.ts';
import { NameTheChannel1764200000000 } from './1764200000000-name-the-channel.ts';

/** They run in the order of the numbers in their names. */
export const migrations = [
  ...outboxMigrations,
  CreateFlows1763800100000,
  CountFlowEvents1763900000000,
  TellWhoReadsContacts1764100000000,
  NameTheChannel1764200000000,
];
