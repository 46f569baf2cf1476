import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of two indexes of pending messages, Postgres may take the one by due time for a look at what goes before a message in its
 * session, and read all that are pending each time: it looks at the table when few are, and then neither costs anything. So
 * this one says more than such a look does (of every message it is true), and only statements that say it, too, are offered
 * it: PENDING_BY_DUE.
 *
 * A replica of the version before finds what is due by the other index, and sorts.
 */
export class KeepDueApart1764500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX deliveries_due;
      CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status = 'pending' AND due_at > '-infinity'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX deliveries_due;
      CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status = 'pending'`);
  }
}
