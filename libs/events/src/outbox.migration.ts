import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The outbox of a service's database. */
export class CreateOutbox1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY,
        type text NOT NULL,
        subject text NOT NULL,
        sequence integer NOT NULL,
        time timestamptz NOT NULL,
        data json NOT NULL,
        claimed_until timestamptz NOT NULL,
        published_at timestamptz,
        PRIMARY KEY (tenant_id, id)
      );
      -- Both hold only what is not published yet, which is little.
      CREATE INDEX outbox_waiting ON outbox (position) WHERE published_at IS NULL;
      CREATE UNIQUE INDEX outbox_waiting_subject ON outbox (tenant_id, subject, sequence) WHERE published_at IS NULL;
      CREATE INDEX outbox_published ON outbox USING brin (published_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox');
  }
}
