import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of the sessions that are due some are at their end and some go on: each sweep wants its own, and passes over the others.
 * The index says which they are; without that each sweep read the rows of thousands that were the other's, four times a
 * second, until the other had done with them.
 */
export class PassOverTheDue1764400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sessions_due;
      CREATE INDEX sessions_due ON sessions (due_at, expires_at) WHERE status = 'running'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sessions_due;
      CREATE INDEX sessions_due ON sessions (due_at) WHERE status = 'running'`);
  }
}
