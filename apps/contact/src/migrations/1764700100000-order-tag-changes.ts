import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which event of which session a change came with, and of which tags it spoke. Unknown of those made before. */
export class OrderTagChanges1764700100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE tag_changes ADD COLUMN subject text, ADD COLUMN sequence integer, ADD COLUMN tags text[];
      CREATE INDEX tag_changes_subject ON tag_changes (tenant_id, subject, sequence)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE tag_changes DROP COLUMN subject, DROP COLUMN sequence, DROP COLUMN tags');
  }
}
