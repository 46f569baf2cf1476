import { sql, type Database } from '@parley/postgres';
import type { EntityManager } from 'typeorm';
import type { OutgoingEvent } from './event.ts';
import type { OutboxRelay } from './outbox-relay.ts';

/** Writes events into the transaction at hand. They are published if and only if it commits. */
export type Publish = (events: OutgoingEvent[]) => Promise<void>;

/**
 * How long the replica that wrote an event may take to publish it before another one does. Longer than a publish
 * takes to time out, so that two replicas rarely publish the same event; NATS drops the second one if they do.
 */
export const CLAIM_SECONDS = 10;

/**
 * The transactional outbox: events are rows, written in the transaction of the change they tell of. After the commit
 * this replica's relay publishes them from memory; what it does not get to (a crash, NATS away, an earlier event of
 * the same subject still waiting) any replica's relay finds in the table.
 */
export class Outbox {
  private readonly database: Database;
  private readonly relay: OutboxRelay;

  constructor(database: Database, relay: OutboxRelay) {
    this.database = database;
    this.relay = relay;
  }

  /** A transaction that may publish. As Database.transaction, it may run more than once. */
  async transaction<T>(work: (tx: EntityManager, publish: Publish) => Promise<T>): Promise<T> {
    let claimed: OutgoingEvent[] = [];
    const result = await this.database.transaction((tx) => {
      claimed = [];
      return work(tx, async (events) => {
        claimed.push(...(await insert(tx, events, this.relay.accepts(events.length))));
      });
    });
    this.relay.publishSoon(claimed);
    return result;
  }
}

/**
 * Claims the events this replica may publish at once, and gives those: all without an earlier one of their subject
 * still waiting, if the relay takes them at all.
 */
async function insert(
  tx: EntityManager,
  events: OutgoingEvent[],
  accepted: boolean,
): Promise<OutgoingEvent[]> {
  if (events.length === 0) return [];
  const rows = await sql<{ id: string }>(
    tx,
    `WITH added AS (
       INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claimed_until)
       SELECT e.tenant_id, e.id, e.type, e.subject, e.sequence, e.time, e.data,
              CASE WHEN NOT $8 OR e.sequence > 1 AND EXISTS (
                SELECT FROM outbox o
                WHERE o.tenant_id = e.tenant_id AND o.subject = e.subject AND o.published_at IS NULL)
              THEN '-infinity' ELSE clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS}) END
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::json[])
         AS e (tenant_id, id, type, subject, sequence, time, data)
       RETURNING id, claimed_until)
     SELECT id FROM added WHERE claimed_until > '-infinity'`,
    [
      events.map((event) => event.tenantId),
      events.map((event) => event.id),
      events.map((event) => event.type),
      events.map((event) => event.subject),
      events.map((event) => event.sequence),
      events.map((event) => event.time),
      events.map((event) => JSON.stringify(event.data)),
      accepted,
    ],
  );
  const claimed = new Set(rows.map((row) => row.id));
  return events.filter((event) => claimed.has(event.id));
}
