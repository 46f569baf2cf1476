import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateFlows1763800100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Definitions are text: the database never looks inside, and what was saved comes back unchanged.
    await runner.query(`
      CREATE TABLE flows (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        name text NOT NULL,
        trigger_type text NOT NULL,
        status text NOT NULL CHECK (status IN ('draft', 'published', 'archived')),
        draft_definition text NOT NULL,
        session_ttl_minutes integer NOT NULL CHECK (session_ttl_minutes BETWEEN 1 AND 1440),
        latest_version integer NOT NULL DEFAULT 0,
        published_version integer,
        published_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, id),
        CHECK ((status = 'published') = (published_version IS NOT NULL))
      );
      CREATE TABLE flow_versions (
        tenant_id uuid NOT NULL,
        flow_id uuid NOT NULL,
        version integer NOT NULL,
        name text NOT NULL,
        definition text NOT NULL,
        session_ttl_minutes integer NOT NULL,
        entry_node_id text NOT NULL,
        published_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, flow_id, version),
        FOREIGN KEY (tenant_id, flow_id) REFERENCES flows
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE flow_versions, flows');
  }
}
