import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * For lists of sessions by how they ended, which would else be looked for among all that a tenant ever had. Expired ones are
 * left out: they are most, found soon without it, and each would cost the sweep an entry more.
 */
export class ListTheEnded1764600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX sessions_ended ON sessions (tenant_id, status, id) WHERE status IN ('completed', 'failed', 'cancelled')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX sessions_ended');
  }
}
