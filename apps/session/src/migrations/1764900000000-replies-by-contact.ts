import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A message's id is its contact's: channels that number the messages of each chat say 1 to all of them. session_replies, which
 * knows an id once in a tenant, stays for replicas of the version before; a later version drops it.
 */
export class RepliesByContact1764900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE contact_replies (
        tenant_id uuid NOT NULL,
        contact_id uuid NOT NULL,
        message_id text NOT NULL,
        session_id uuid NOT NULL,
        result text NOT NULL CHECK (result IN ('accepted', 'invalid', 'ignored', 'ended')),
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, contact_id, message_id)
      );
      CREATE INDEX contact_replies_created ON contact_replies (created_at);
      INSERT INTO contact_replies
      SELECT r.tenant_id, s.contact_id, r.message_id, r.session_id, r.result, r.created_at
      FROM session_replies r JOIN sessions s ON s.tenant_id = r.tenant_id AND s.id = r.session_id`);
  }

  /** session_replies holds one message of an id in a tenant: of several contacts' the newest stays. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      INSERT INTO session_replies
      SELECT tenant_id, message_id, session_id, result, created_at FROM contact_replies ORDER BY created_at DESC
      ON CONFLICT DO NOTHING;
      DROP TABLE contact_replies`);
  }
}
