import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A session whose time is up is expired to all who look, before its row says so. A reply that has locked the row in time and
 * writes when the time is up would bring it back, so that fails as a transaction that lost to another, and the service runs it
 * again: it then finds the session expired.
 */
export class KeepTheExpired1765200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION keep_expired_session() RETURNS trigger LANGUAGE plpgsql AS $function$
      BEGIN
        RAISE serialization_failure USING MESSAGE = 'the session expired before its change was written';
      END $function$;
      CREATE TRIGGER sessions_expired BEFORE UPDATE ON sessions FOR EACH ROW
        WHEN (OLD.status = 'running' AND NEW.status <> 'expired' AND OLD.expires_at <= clock_timestamp())
        EXECUTE FUNCTION keep_expired_session()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER sessions_expired ON sessions; DROP FUNCTION keep_expired_session');
  }
}
