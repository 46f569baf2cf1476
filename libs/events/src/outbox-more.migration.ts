import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Several events of one change lie in one row: each row more costs a start entries in four indexes, and three more when
 * it is marked. A row holds one event in its columns, as before, and the others in "more", a list of
 * {id, type, sequence, data} with data as text: jsonb would change it. "sent" is how many were stored when the next one
 * failed. The view shows every event by itself.
 *
 * A replica of the version before may run beside this one, and take over such a row of which it would send one event only.
 * It cannot mark it: the mark now sets claimed_until, too, and the table takes no other of a row with "more".
 */
export class HoldMoreInOutboxRow1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE outbox ADD COLUMN more jsonb, ADD COLUMN sent smallint NOT NULL DEFAULT 0,
        ADD CONSTRAINT outbox_marked_whole CHECK (more IS NULL OR published_at IS NULL OR claimed_until = 'infinity');
      CREATE VIEW outbox_events AS
        SELECT tenant_id, id, position, type, subject, sequence, time, data, published_at FROM outbox
        UNION ALL
        SELECT tenant_id, (event->>'id')::uuid, position, event->>'type', subject, (event->>'sequence')::int, time,
               (event->>'data')::json, published_at
        FROM outbox, LATERAL jsonb_array_elements(more) AS m (event);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DO $$ BEGIN
        IF EXISTS (SELECT FROM outbox WHERE more IS NOT NULL AND published_at IS NULL) THEN
          RAISE EXCEPTION 'Events wait in the outbox that the version before cannot send';
        END IF;
      END $$;
      DROP VIEW outbox_events;
      ALTER TABLE outbox DROP COLUMN more, DROP COLUMN sent;
    `);
  }
}
