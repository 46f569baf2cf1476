import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of two indexes of what waits, Postgres may take the one by position for a look-up by subject, and read all that waits each
 * time: it looks at the table when nothing waits, and then neither costs anything. So this one says more than a look-up
 * does (of every row it is true), and only statements that say it, too, are offered it: WAITING_IN_ORDER.
 *
 * A replica of the version before goes by the other index, and sorts.
 */
export class KeepOutboxOrderApart1764500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX outbox_waiting;
      CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL AND position > 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX outbox_waiting;
      CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL`);
  }
}
