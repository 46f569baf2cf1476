import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A contact's updated_at is the time of its change. TypeORM writes when the transaction began, which may be before another
 * change that it waited for, and whoever reads on from a time would miss it.
 */
export class TouchContacts1764700200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION touch_contact() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.updated_at := clock_timestamp();
        RETURN NEW;
      END $$;
      CREATE TRIGGER contacts_touched BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION touch_contact()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER contacts_touched ON contacts; DROP FUNCTION touch_contact');
  }
}
