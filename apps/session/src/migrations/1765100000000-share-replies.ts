import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * While replicas of the version before run beside this one, a message may be given to either, and given again to the other: what
 * one keeps of it the database keeps for the other, too. It goes with session_replies, which a later version drops.
 */
export class ShareReplies1765100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION share_session_reply() RETURNS trigger LANGUAGE plpgsql AS $function$
      BEGIN
        INSERT INTO contact_replies AS r (tenant_id, contact_id, message_id, session_id, result, created_at)
        SELECT NEW.tenant_id, contact_id, NEW.message_id, NEW.session_id, NEW.result, NEW.created_at
        FROM sessions WHERE tenant_id = NEW.tenant_id AND id = NEW.session_id
        ON CONFLICT (tenant_id, contact_id, message_id) DO UPDATE
          SET session_id = EXCLUDED.session_id, result = EXCLUDED.result, created_at = EXCLUDED.created_at
          WHERE r.created_at < EXCLUDED.created_at;
        RETURN NULL;
      END $function$;
      CREATE FUNCTION share_contact_reply() RETURNS trigger LANGUAGE plpgsql AS $function$
      BEGIN
        INSERT INTO session_replies AS r (tenant_id, message_id, session_id, result, created_at)
        VALUES (NEW.tenant_id, NEW.message_id, NEW.session_id, NEW.result, NEW.created_at)
        ON CONFLICT (tenant_id, message_id) DO UPDATE
          SET session_id = EXCLUDED.session_id, result = EXCLUDED.result, created_at = EXCLUDED.created_at
          WHERE r.created_at < EXCLUDED.created_at;
        RETURN NULL;
      END $function$;
      -- Not of what the other one has just copied.
      CREATE TRIGGER session_replies_shared AFTER INSERT OR UPDATE ON session_replies FOR EACH ROW
        WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION share_session_reply();
      CREATE TRIGGER contact_replies_shared AFTER INSERT OR UPDATE ON contact_replies FOR EACH ROW
        WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION share_contact_reply();
      -- Of the time since each had the other's.
      INSERT INTO contact_replies
      SELECT r.tenant_id, s.contact_id, r.message_id, r.session_id, r.result, r.created_at
      FROM session_replies r JOIN sessions s ON s.tenant_id = r.tenant_id AND s.id = r.session_id
      ON CONFLICT DO NOTHING`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER session_replies_shared ON session_replies;
      DROP TRIGGER contact_replies_shared ON contact_replies;
      DROP FUNCTION share_session_reply;
      DROP FUNCTION share_contact_reply`);
  }
}
