import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What one change tells of one thing lies in one row: each row more costs a start entries in four indexes, and two more
 * when it is marked. A row holds its first event in its columns, or the change's own, and the others in "more", a list of
 * {id, type, sequence, data} with data as text: as jsonb it would change. "sent" is how many of them were stored when the
 * next one failed. The view shows every event by itself.
 *
 * A replica of the version before may run beside this one, and knows nothing of "more". So claims have a new column, and
 * the old one says of a new row that it is claimed for ever: the old replica leaves it and what comes behind it alone.
 * claimed_until has no other use any more.
 */
export class HoldMoreInOutboxRow1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE outbox
        ADD COLUMN more jsonb,
        ADD COLUMN sent smallint NOT NULL DEFAULT 0,
        ADD COLUMN claim_ends_at timestamptz NOT NULL DEFAULT '-infinity',
        ALTER COLUMN claimed_until SET DEFAULT 'infinity';
      CREATE VIEW outbox_events AS
        SELECT tenant_id, id, position, type, subject, sequence, time, data, published_at FROM outbox
        UNION ALL
        SELECT tenant_id, (event->>'id')::uuid, position, event->>'type', subject, (event->>'sequence')::int, time,
               (event->>'data')::json, published_at
        FROM outbox, LATERAL jsonb_array_elements(more) AS m (event);
    `);
  }

  /** Gives every event a row, and those that wait to the version before; the stream drops what it was sent already. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE;
      INSERT INTO outbox (tenant_id, id, position, type, subject, sequence, time, data, published_at)
        OVERRIDING SYSTEM VALUE
        SELECT e.tenant_id, e.id, e.position, e.type, e.subject, e.sequence, e.time, e.data, e.published_at
        FROM outbox_events e JOIN outbox o USING (tenant_id, position) WHERE o.more IS NOT NULL AND o.id <> e.id;
      UPDATE outbox SET claimed_until = '-infinity' WHERE published_at IS NULL;
      DROP VIEW outbox_events;
      ALTER TABLE outbox DROP COLUMN more, DROP COLUMN sent, DROP COLUMN claim_ends_at,
        ALTER COLUMN claimed_until DROP DEFAULT;
    `);
  }
}
