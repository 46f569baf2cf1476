import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateContacts1763800100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE contacts (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        phone text NOT NULL,
        name text NOT NULL DEFAULT '',
        email text NOT NULL DEFAULT '',
        locale text NOT NULL DEFAULT '',
        tags text[] NOT NULL DEFAULT '{}',
        metadata text NOT NULL DEFAULT '{}',
        source text NOT NULL,
        opted_in_at timestamptz,
        opted_out_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, id)
      );
      CREATE UNIQUE INDEX contacts_phone ON contacts (tenant_id, phone);
      CREATE INDEX contacts_email ON contacts (tenant_id, lower(email)) WHERE email <> '';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE contacts');
  }
}
