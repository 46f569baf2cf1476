import type { MigrationInterface, QueryRunner } from 'typeorm';

/** In the order of lists, so that Postgres does not rather read all contacts in that order until it has found enough. */
export class FindByEmail1764700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX contacts_email;
      CREATE INDEX contacts_email ON contacts (tenant_id, lower(email), id) WHERE email <> ''`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX contacts_email;
      CREATE INDEX contacts_email ON contacts (tenant_id, lower(email)) WHERE email <> ''`);
  }
}
