import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateTokens1763800100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE tenants (
        id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE TABLE api_tokens (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants,
        name text NOT NULL,
        -- SHA-256. The token itself is shown once and kept nowhere.
        hash bytea NOT NULL UNIQUE,
        scopes text[] NOT NULL,
        rate_limit integer NOT NULL CHECK (rate_limit > 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz
      );
      CREATE UNIQUE INDEX api_tokens_name ON api_tokens (tenant_id, name) WHERE revoked_at IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE api_tokens, tenants');
  }
}
