import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What makes starts repeatable (P9): each row is the answer to a start that had a request id. */
export class CreateStartRequests1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE start_requests (
        tenant_id uuid NOT NULL,
        request_id text NOT NULL,
        -- Another request under the same id has another one.
        fingerprint bytea NOT NULL,
        result text NOT NULL CHECK (result IN ('started', 'already_running')),
        session_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, request_id)
      );
      CREATE INDEX start_requests_created ON start_requests (created_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE start_requests');
  }
}
