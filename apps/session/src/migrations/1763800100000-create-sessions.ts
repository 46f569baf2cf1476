import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSessions1763800100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sessions (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        flow_id uuid NOT NULL,
        flow_version integer NOT NULL,
        flow_name text NOT NULL,
        contact_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('running', 'completed', 'expired', 'failed', 'cancelled')),
        -- json, not jsonb: it keeps the text as it was written.
        context json NOT NULL,
        current_node_id text NOT NULL,
        -- Of the session's last event.
        sequence integer NOT NULL,
        created_at timestamptz NOT NULL,
        last_interaction_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        PRIMARY KEY (tenant_id, id),
        CHECK ((status = 'running') = (ended_at IS NULL))
      );
      -- Decides who starts (P1).
      CREATE UNIQUE INDEX sessions_running ON sessions (tenant_id, flow_id, contact_id) WHERE status = 'running';
      CREATE INDEX sessions_due ON sessions (expires_at) WHERE status = 'running';
      CREATE INDEX sessions_flow ON sessions (tenant_id, flow_id, id);
      CREATE INDEX sessions_contact ON sessions (tenant_id, contact_id, id);

      -- Sessions as everyone sees them: one past its time has expired, swept or not (P4).
      CREATE VIEW current_sessions AS
      SELECT tenant_id, id, flow_id, flow_version, flow_name, contact_id, context::text AS context, current_node_id,
             created_at, last_interaction_at, expires_at,
             CASE WHEN due THEN 'expired' ELSE status END AS status,
             CASE WHEN due THEN expires_at ELSE ended_at END AS ended_at
      FROM (SELECT *, status = 'running' AND expires_at <= statement_timestamp() AS due FROM sessions) AS s;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP VIEW current_sessions; DROP TABLE sessions');
  }
}
