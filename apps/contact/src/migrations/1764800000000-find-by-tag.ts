import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who carries a tag, in the order of lists: a page of them is read from here, however many other contacts there are. Kept by
 * the database, so that whoever writes a contact's tags need not think of it.
 */
export class FindByTag1764800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE contact_tags (
        tenant_id uuid NOT NULL,
        tag text NOT NULL,
        contact_id uuid NOT NULL,
        PRIMARY KEY (tenant_id, tag, contact_id)
      );
      CREATE FUNCTION list_contact_tags() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP <> 'INSERT' THEN
          DELETE FROM contact_tags
          WHERE tenant_id = OLD.tenant_id AND tag = ANY (OLD.tags) AND contact_id = OLD.id;
        END IF;
        IF TG_OP <> 'DELETE' THEN
          INSERT INTO contact_tags SELECT DISTINCT NEW.tenant_id, unnest(NEW.tags), NEW.id;
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER contacts_tags_added AFTER INSERT ON contacts
        FOR EACH ROW WHEN (NEW.tags <> '{}') EXECUTE FUNCTION list_contact_tags();
      CREATE TRIGGER contacts_tags_changed AFTER UPDATE ON contacts
        FOR EACH ROW WHEN (NEW.tags <> OLD.tags) EXECUTE FUNCTION list_contact_tags();
      CREATE TRIGGER contacts_tags_gone AFTER DELETE ON contacts
        FOR EACH ROW WHEN (OLD.tags <> '{}') EXECUTE FUNCTION list_contact_tags();
      -- Behind the triggers: creating them waits for whoever writes contacts, and holds up those who come after.
      INSERT INTO contact_tags SELECT DISTINCT tenant_id, unnest(tags), id FROM contacts WHERE tags <> '{}'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER contacts_tags_added ON contacts;
      DROP TRIGGER contacts_tags_changed ON contacts;
      DROP TRIGGER contacts_tags_gone ON contacts;
      DROP FUNCTION list_contact_tags;
      DROP TABLE contact_tags`);
  }
}
