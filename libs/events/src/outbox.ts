import { sql, type Database, type Statements } from '@parley/postgres';
import type { EntityManager } from 'typeorm';
import type { OutgoingEvent } from './event.ts';
import type { OutboxRelay } from './outbox-relay.ts';

/** Writes events into the transaction at hand. They are published if and only if it commits. */
export type Publish = (events: OutgoingEvent[]) => Promise<void>;

/** Adds rows and tells of them in one statement, so that both are there or neither. */
export interface Inserter {
  /** The rows that were added, as the addition gives them. */
  insert<Row>(addition: Addition): Promise<Row[]>;
}

/** Rows to be added, each the first thing that happens to its subject. */
export interface Addition {
  /** An INSERT that returns columns. */
  insert: string;
  parameters: unknown[];
  /** The event of each row, as expressions over the columns returned; data is the text of a JSON object. */
  event: Record<'type' | 'tenantId' | 'subject' | 'time' | 'data', string>;
  /** What is given of each row: a list for SELECT, over the same columns. */
  give: string;
}

/** A transaction that may add rows and tell of what it does. */
export interface OutboxStatements extends Statements, Inserter {
  /** Writes events, in their order. They are not waited for, so they cost no round trip of their own. */
  tell(events: OutgoingEvent[]): void;
}

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

  /** The same for hand-written statements. */
  async statements<T>(work: (tx: OutboxStatements) => Promise<T>): Promise<T> {
    let claimed: OutgoingEvent[] = [];
    const result = await this.database.statements((tx) => {
      claimed = [];
      return work({
        ...tx,
        insert: async <Row>(addition: Addition) => {
          const added = await this.add<Row>(tx, addition);
          claimed.push(...added.claimed);
          return added.rows;
        },
        tell: (events) => {
          if (events.length === 0) return;
          const { text, parameters, claimedBy } = this.insertion(events);
          tx.post<Row>(text, parameters, (rows) => claimed.push(...claimedBy(rows)));
        },
      });
    });
    this.relay.publishSoon(claimed);
    return result;
  }

  /** An addition by itself: a single statement, and so a single round trip. */
  async insert<Row>(addition: Addition): Promise<Row[]> {
    const { rows, claimed } = await this.add<Row>(this.database, addition);
    this.relay.publishSoon(claimed);
    return rows;
  }

  /** Claims all events or none: no row that was just added has an earlier event. */
  private async add<Row>(
    tx: Pick<Statements, 'query'>,
    { insert, parameters, event, give }: Addition,
  ): Promise<{ rows: Row[]; claimed: OutgoingEvent[] }> {
    const accepted = this.relay.accepts(MAX_ADDED);
    const rows = await tx.query<Row & ToldRow>(
      `WITH added AS (${insert}),
       event AS MATERIALIZED (
         SELECT *, ${event.tenantId} AS event_tenant, ${UUID_V7} AS event_id, ${event.subject} AS event_subject,
                ${event.time} AS event_time, ${event.data} AS event_data
         FROM added),
       told AS (
         INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claimed_until)
         SELECT event_tenant, event_id, '${event.type}', event_subject, 1, event_time, event_data::json,
                CASE WHEN $${parameters.length + 1}::bool THEN ${CLAIM_END} ELSE '-infinity' END
         FROM event)
       SELECT ${give}, event_tenant, event_id, event_subject, event_time, event_data FROM event`,
      [...parameters, accepted],
    );
    return { rows, claimed: accepted ? rows.map((row) => toEvent(event.type, row)) : [] };
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
      events.map((event) => event.data),
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

interface ToldRow {
  event_tenant: string;
  event_id: string;
  event_subject: string;
  event_time: Date;
  event_data: string;
}

/** A call has no more items. */
const MAX_ADDED = 1_000;

function toEvent(type: string, row: ToldRow): OutgoingEvent {
  return {
    id: row.event_id,
    tenantId: row.event_tenant,
    type,
    subject: row.event_subject,
    sequence: 1,
    time: row.event_time,
    data: row.event_data,
  };
}

interface Insertion {
  text: string;
  parameters: unknown[];
  /** Those of the events whose ids the statement gave. */
  claimedBy: (rows: Row[]) => OutgoingEvent[];
}

const CLAIM_END = `clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS})`;

/** Postgres makes them itself from version 18 on. RFC 9562: 48 bits of milliseconds, then version and randomness. */
const UUID_V7 = `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid`;

const INSERT = `
  WITH added AS (
    INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claimed_until)
    SELECT e.tenant_id, e.id, e.type, e.subject, e.sequence, e.time, e.data,
           CASE WHEN NOT e.may_claim OR e.sequence > 1 AND EXISTS (
             SELECT FROM outbox o
             WHERE o.tenant_id = e.tenant_id AND o.subject = e.subject AND o.published_at IS NULL)
           THEN '-infinity' ELSE ${CLAIM_END} END
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::json[], $8::bool[])
      AS e (tenant_id, id, type, subject, sequence, time, data, may_claim)
    RETURNING id, claimed_until)
  SELECT id FROM added WHERE claimed_until > '-infinity'`;
