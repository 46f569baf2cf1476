import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CountFlowEvents1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // What was published before there were events goes without: the first event of each flow is number 1.
    await runner.query('ALTER TABLE flows ADD COLUMN event_sequence integer NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE flows DROP COLUMN event_sequence');
  }
}
