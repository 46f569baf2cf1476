import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The channel a flow is made for; empty for any. */
export class NameTheChannel1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query("ALTER TABLE flows ADD COLUMN channel text NOT NULL DEFAULT ''");
    await runner.query("ALTER TABLE flow_versions ADD COLUMN channel text NOT NULL DEFAULT ''");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE flow_versions DROP COLUMN channel');
    await runner.query('ALTER TABLE flows DROP COLUMN channel');
  }
}
