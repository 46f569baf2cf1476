import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What sessions need to converse: what they wait for, how they ended, their timeline, the replies they took. */
export class Converse1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sessions
        -- What the engine remembers beside the columns; null in sessions that were started before flows ran.
        ADD COLUMN memory json,
        ADD COLUMN wait_kind text CHECK (wait_kind IN ('reply', 'delay', 'http')),
        -- When the wait times out; of a request, when it may be made.
        ADD COLUMN wait_until timestamptz,
        ADD COLUMN waiting_since timestamptz,
        -- How often the request that is waited for was begun.
        ADD COLUMN http_attempts integer NOT NULL DEFAULT 0,
        -- Timeline entries so far, and which of them is an end that has no row of its own.
        ADD COLUMN entries integer NOT NULL DEFAULT 0,
        ADD COLUMN end_entry integer,
        ADD COLUMN outcome text NOT NULL DEFAULT '',
        ADD COLUMN failure json,
        -- Everything a session waits for in the future is this one time.
        ADD COLUMN due_at timestamptz GENERATED ALWAYS AS (least(expires_at, wait_until)) STORED;
      DROP INDEX sessions_due;
      CREATE INDEX sessions_due ON sessions (due_at) WHERE status = 'running';

      -- A row for each sprint: entries is the JSON text of a list.
      CREATE TABLE session_sprints (
        tenant_id uuid NOT NULL,
        session_id uuid NOT NULL,
        first_entry integer NOT NULL,
        at timestamptz NOT NULL,
        entries json NOT NULL,
        PRIMARY KEY (tenant_id, session_id, first_entry)
      );

      -- What makes replies repeatable: what the message with this id came to.
      CREATE TABLE session_replies (
        tenant_id uuid NOT NULL,
        message_id text NOT NULL,
        session_id uuid NOT NULL,
        result text NOT NULL CHECK (result IN ('accepted', 'invalid', 'ignored', 'ended')),
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, message_id)
      );
      CREATE INDEX session_replies_created ON session_replies (created_at);

      DROP VIEW current_sessions;
      CREATE VIEW current_sessions AS
      SELECT tenant_id, id, flow_id, flow_version, flow_name, contact_id, context::text AS context, current_node_id,
             created_at, last_interaction_at, expires_at,
             CASE WHEN due THEN 'expired' ELSE status END AS status,
             CASE WHEN due THEN expires_at ELSE ended_at END AS ended_at,
             CASE WHEN status = 'running' AND NOT due THEN memory->'wait' END AS wait,
             CASE WHEN wait_kind <> 'http' THEN wait_until END AS wait_until,
             outcome, failure, entries,
             CASE WHEN due THEN entries + 1 ELSE end_entry END AS end_entry
      FROM (SELECT *, status = 'running' AND expires_at <= statement_timestamp() AS due FROM sessions) AS s;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP VIEW current_sessions;
      DROP TABLE session_sprints, session_replies;
      DROP INDEX sessions_due;
      CREATE INDEX sessions_due ON sessions (expires_at) WHERE status = 'running';
      ALTER TABLE sessions DROP COLUMN due_at, DROP COLUMN memory, DROP COLUMN wait_kind, DROP COLUMN wait_until,
        DROP COLUMN waiting_since, DROP COLUMN http_attempts, DROP COLUMN entries, DROP COLUMN end_entry,
        DROP COLUMN outcome, DROP COLUMN failure;
      CREATE VIEW current_sessions AS
      SELECT tenant_id, id, flow_id, flow_version, flow_name, contact_id, context::text AS context, current_node_id,
             created_at, last_interaction_at, expires_at,
             CASE WHEN due THEN 'expired' ELSE status END AS status,
             CASE WHEN due THEN expires_at ELSE ended_at END AS ended_at
      FROM (SELECT *, status = 'running' AND expires_at <= statement_timestamp() AS due FROM sessions) AS s`);
  }
}
