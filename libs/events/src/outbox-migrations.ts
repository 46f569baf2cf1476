import type { MigrationInterface } from 'typeorm';
import { CreateOutbox1763800000000 } from './outbox.migration.ts';
import { HoldMoreInOutboxRow1764300000000 } from './outbox-more.migration.ts';
import { KeepOutboxOrderApart1764500000000 } from './outbox-order.migration.ts';
import { IndexOutboxPosition1764000000000 } from './outbox-position.migration.ts';

/** What makes the outbox of a service's database. They run among the service's own, in the order of the numbers in their names. */
export const outboxMigrations: (new () => MigrationInterface)[] = [
  CreateOutbox1763800000000,
  IndexOutboxPosition1764000000000,
  HoldMoreInOutboxRow1764300000000,
  KeepOutboxOrderApart1764500000000,
];
