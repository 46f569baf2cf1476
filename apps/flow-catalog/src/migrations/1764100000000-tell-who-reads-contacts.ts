import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether a version reads the contact, so that a start knows what it has to bring. */
export class TellWhoReadsContacts1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Of those published before nobody has looked: bringing the contact is never wrong.
    await runner.query('ALTER TABLE flow_versions ADD COLUMN reads_contact boolean NOT NULL DEFAULT true');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE flow_versions DROP COLUMN reads_contact');
  }
}
