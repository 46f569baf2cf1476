import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of two indexes of running sessions, Postgres may take the one by due time for a look-up by flow and contact, and read all
 * that run each time: it looks at the table when few run, and then neither costs anything. So this one says more than a
 * look-up does (of every running session it is true), and only statements that say it, too, are offered it: RUNNING_BY_DUE.
 *
 * A replica of the version before sweeps by the other index, through all that run.
 */
export class KeepDueApart1764500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sessions_due;
      CREATE INDEX sessions_due ON sessions (due_at, expires_at) WHERE status = 'running' AND due_at > '-infinity'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sessions_due;
      CREATE INDEX sessions_due ON sessions (due_at, expires_at) WHERE status = 'running'`);
  }
}
