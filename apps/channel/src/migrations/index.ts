import { outboxMigrations } from '@parley/events';
import { CreateChannels1764100000000 } from './1764100000000-create-channels.ts';
import { KeepDueApart1764500000000 } from './1764500000000-keep-due-apart.ts';

/** They run in the order of the numbers in their names. */
export const migrations = [...outboxMigrations, CreateChannels1764100000000, KeepDueApart1764500000000];
