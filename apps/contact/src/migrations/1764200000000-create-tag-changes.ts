import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The changes of tags that flows asked for and that were made, so that none is made twice. */
export class CreateTagChanges1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE tag_changes (
        tenant_id uuid NOT NULL,
        effect_id text NOT NULL,
        applied_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, effect_id)
      );
      CREATE INDEX tag_changes_applied_at ON tag_changes (applied_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE tag_changes');
  }
}
