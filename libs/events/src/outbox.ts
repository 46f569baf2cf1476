import { sql, type Database, type Statements } from '@parley/postgres';
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
        if (events.length === 0) return;
        const { text, parameters, claimedBy } = this.insertion(events);
        claimed.push(...claimedBy(await sql<Row>(tx, text, parameters)));
      });
    });
    this.relay.publishSoon(claimed);
    return result;
  }

  /**
   * The same for hand-written statements: publishes the events its work gives, in their order. They are written
   * together with the commit, so they cost no round trip of their own.
   */
  async statements<T>(work: (tx: Statements) => Promise<{ result: T; events: OutgoingEvent[] }>): Promise<T> {
    let claimed: OutgoingEvent[] = [];
    const answer = await this.database.statements(async (tx) => {
      claimed = [];
      const { result, events } = await work(tx);
      if (events.length > 0) {
        const { text, parameters, claimedBy } = this.insertion(events);
        tx.queryAtCommit<Row>(text, parameters, (rows) => (claimed = claimedBy(rows)));
      }
      return result;
    });
    this.relay.publishSoon(claimed);
    return answer;
  }

  /**
   * The statement that writes events. It claims those this replica may publish at once, and gives their ids: all
   * without an earlier one of their subject still waiting, here or in the table, if the relay takes them at all.
   */
  private insertion(events: OutgoingEvent[]): Insertion {
    const accepted = this.relay.accepts(events.length);
    const subjects = new Set<string>();
    const mayClaim = events.map(({ subject }) => {
      const isFirst = !subjects.has(subject);
      subjects.add(subject);
      return accepted && isFirst;
    });
    const parameters = [
      events.map((event) => event.tenantId),
      events.map((event) => event.id),
      events.map((event) => event.type),
      events.map((event) => event.subject),
      events.map((event) => event.sequence),
      events.map((event) => event.time),
      events.map((event) => JSON.stringify(event.data)),
      mayClaim,
    ];
    const claimedBy = (rows: Row[]): OutgoingEvent[] => {
      const ids = new Set(rows.map((row) => row.id));
      return events.filter((event) => ids.has(event.id));
    };
    return { text: INSERT, parameters, claimedBy };
  }
}

interface Row {
  id: string;
}

interface Insertion {
  text: string;
  parameters: unknown[];
  /** Those of the events whose ids the statement gave. */
  claimedBy: (rows: Row[]) => OutgoingEvent[];
}

const INSERT = `
  WITH added AS (
    INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claimed_until)
    SELECT e.tenant_id, e.id, e.type, e.subject, e.sequence, e.time, e.data,
           CASE WHEN NOT e.may_claim OR e.sequence > 1 AND EXISTS (
             SELECT FROM outbox o
             WHERE o.tenant_id = e.tenant_id AND o.subject = e.subject AND o.published_at IS NULL)
           THEN '-infinity' ELSE clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS}) END
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::json[], $8::bool[])
      AS e (tenant_id, id, type, subject, sequence, time, data, may_claim)
    RETURNING id, claimed_until)
  SELECT id FROM added WHERE claimed_until > '-infinity'`;
