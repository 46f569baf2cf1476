import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A session begins no earlier than the one before it ended. An INSERT reads the clock before it looks into the unique index; where
 * a session ends between the two, the INSERT waits for that transaction and goes on with a time that is too early. Such a
 * transaction fails as one that lost to another, and the service runs it again.
 *
 * Only rows that the clock has left behind by a millisecond are looked at, some of a hundred, and the last sessions of the
 * contact: what ended in this moment is among them, and a contact with a history costs no more than another.
 */
export class FollowTheEnded1765000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION follow_ended_session() RETURNS trigger LANGUAGE plpgsql AS $function$
      BEGIN
        IF EXISTS (
          SELECT FROM (
            SELECT flow_id, ended_at FROM sessions
            WHERE tenant_id = NEW.tenant_id AND contact_id = NEW.contact_id ORDER BY id DESC LIMIT 100) AS last
          WHERE flow_id = NEW.flow_id AND ended_at > NEW.created_at)
        THEN
          RAISE serialization_failure USING MESSAGE = 'the session before ended after this one began';
        END IF;
        RETURN NULL;
      END $function$;
      CREATE TRIGGER sessions_follow AFTER INSERT ON sessions FOR EACH ROW
        WHEN (NEW.ended_at IS NULL AND NEW.created_at < date_trunc('milliseconds', clock_timestamp()))
        EXECUTE FUNCTION follow_ended_session()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER sessions_follow ON sessions; DROP FUNCTION follow_ended_session');
  }
}
