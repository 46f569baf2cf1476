import { sql, type Database, type Statements } from '@parley/postgres';
import type { EntityManager } from 'typeorm';
import type { OutgoingEvent } from './event.ts';
import { toRow, type MoreEvent, type OutboxRow } from './outbox-row.ts';
import type { OutboxRelay } from './outbox-relay.ts';

/** Writes events into the transaction at hand. They are published if and only if it commits. */
export type Publish = (events: OutgoingEvent[]) => Promise<void>;

/** Changes rows and tells of it in one statement, so that both happen or neither. */
export interface Teller {
  /** What the change gives of each row. */
  change<Row>(change: Change): Promise<Row[]>;
}

/** Rows to be added or updated, and what is told of each. Expressions are SQL over the columns that statement returns. */
export interface Change {
  /** An INSERT or UPDATE that returns columns. */
  statement: string;
  parameters: unknown[];
  /** Whose events these are, and when: of one row all have the same. */
  of: Record<'tenantId' | 'subject' | 'time', string>;
  /** The event of the change itself; default none. data is the text of a JSON object. */
  event?: Record<'type' | 'sequence' | 'data', string> & {
    /** Which rows it is told of; default all. */
    when?: string;
  };
  /**
   * More events of some rows, by subject, in their order, all before or all behind that of the change itself; default none.
   * Of a row that the statement passes over nothing is told.
   */
  more?: ReadonlyMap<string, readonly MoreEvent[]>;
  /** A further statement that writes, over the rows as "changed"; default none. */
  also?: string;
  /** Whether an earlier statement of the transaction has locked the rows, so that this one sees all that came before. Default false. */
  locked?: boolean;
  /** What is given of each row with an event of its own: a list for SELECT. Default nothing. */
  give?: string;
}

/** A transaction that may tell of what it changes. */
export interface OutboxStatements extends Statements, Teller {}

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
    let claimed: OutboxRow[] = [];
    const result = await this.database.transaction((tx) => {
      claimed = [];
      return work(tx, async (events) => {
        if (events.length > 0) claimed.push(...(await this.write(tx, events)).map((event) => toRow(event)));
      });
    });
    this.relay.publishSoon(claimed);
    return result;
  }

  /** The same for hand-written statements. */
  async statements<T>(work: (tx: OutboxStatements) => Promise<T>): Promise<T> {
    let claimed: OutboxRow[] = [];
    const result = await this.database.statements((tx) => {
      claimed = [];
      return work({
        ...tx,
        change: async <Row>(change: Change) => {
          const told = await this.tell<Row>(tx, change);
          claimed.push(...told.claimed);
          return told.rows;
        },
      });
    });
    this.relay.publishSoon(claimed);
    return result;
  }

  /** A change by itself: a single statement, and so a single round trip. */
  async change<Row>(change: Change): Promise<Row[]> {
    const { rows, claimed } = await this.tell<Row>(this.database, change);
    this.relay.publishSoon(claimed);
    return rows;
  }

  /**
   * Claims a row that begins with the first event of its subject, or with the second when the first is published. Of a later one
   * the statement may not see all that came before it: its snapshot may be older than the row it changes, unless that was
   * locked before. What is not claimed the relay's poll sees.
   */
  private async tell<Row>(
    tx: Pick<Statements, 'query'>,
    change: Change,
  ): Promise<{ rows: Row[]; claimed: OutboxRow[] }> {
    const { statement, parameters, of, event, more, also, locked = false, give } = change;
    const values = [...parameters, this.relay.accepts(MAX_CHANGED)];
    const mayClaim = `$${values.length}::bool`;
    if (more) values.push(JSON.stringify(Object.fromEntries(more)));
    const toldOf = toldRows(event, more && `$${values.length}::jsonb -> (${of.subject})`);
    const rows = await tx.query<Row & ToldRow>(
      `WITH changed AS (${statement}),
       ${also === undefined ? '' : `also AS (${also}),`}
       event AS MATERIALIZED (
         SELECT *, ${of.tenantId} AS event_tenant, ${of.subject} AS event_subject, ${of.time} AS event_time FROM (${toldOf}) AS e),
       claim AS MATERIALIZED (
         SELECT *, ${mayClaim} AND (${claimable(locked)}) AS event_claimed FROM event),
       told AS (
         INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, more, claim_ends_at)
         SELECT event_tenant, event_id, event_type, event_subject, event_sequence, event_time, event_data::json, event_more,
                CASE WHEN event_claimed THEN ${CLAIM_END} ELSE '-infinity' END
         FROM claim)
       SELECT ${give === undefined ? '' : `${give}, `}event_tenant, event_id, event_type, event_subject, event_sequence, event_time,
              event_claimed, event_own, CASE WHEN event_own THEN event_data END AS event_data
       FROM claim`,
      values,
    );
    const claimed = rows.filter((row) => row.event_claimed);
    return {
      rows: rows.filter((row) => row.event_own),
      claimed: claimed.map((row) => claimedRow(row, more)),
    };
  }

  /**
   * Writes events and claims those this replica may publish at once, which it gives: all without an earlier one of their
   * subject still waiting, here or in the table, if the relay takes them at all. The transaction holds the row of their
   * subject since an earlier statement, so this one sees all that came before.
   */
  private async write(tx: EntityManager, events: OutgoingEvent[]): Promise<OutgoingEvent[]> {
    const accepted = this.relay.accepts(events.length);
    const subjects = new Set<string>();
    const mayClaim = events.map(({ subject }) => {
      const isFirst = !subjects.has(subject);
      subjects.add(subject);
      return accepted && isFirst;
    });
    const rows = await sql<{ id: string }>(tx, INSERT, [
      events.map((event) => event.tenantId),
      events.map((event) => event.id),
      events.map((event) => event.type),
      events.map((event) => event.subject),
      events.map((event) => event.sequence),
      events.map((event) => event.time),
      events.map((event) => event.data),
      mayClaim,
    ]);
    const ids = new Set(rows.map((row) => row.id));
    return events.filter((event) => ids.has(event.id));
  }
}

interface ToldRow {
  /** Whether it is the event of the change itself. */
  event_own: boolean;
  event_type: string;
  event_tenant: string;
  event_id: string;
  event_subject: string;
  event_sequence: number;
  event_time: Date;
  /** Null of the events we have given: no need to send them back. */
  event_data: string | null;
  event_claimed: boolean;
}

/** By one statement: a call has no more items, and a sweep fewer. */
const MAX_CHANGED = 1_000;

function claimedRow(row: ToldRow, more: Change['more']): OutboxRow {
  const others = more?.get(row.event_subject) ?? [];
  const event = {
    id: row.event_id,
    tenantId: row.event_tenant,
    type: row.event_type,
    subject: row.event_subject,
    sequence: row.event_sequence,
    time: row.event_time,
    data: row.event_data ?? others[0]!.data,
  };
  return toRow(event, row.event_own ? others : others.slice(1));
}

/**
 * Of each changed row that there is something to tell of, the row of the outbox: the change's own event in its columns, or else
 * the first of the others; the rest beside it. more: an expression that gives the list of the others, or null.
 */
function toldRows(event: Change['event'], more: string | undefined): string {
  const select = (own: boolean, ...[id, type, sequence, data, beside]: string[]): string =>
    `SELECT changed.*, ${own} AS event_own, ${id} AS event_id, ${type} AS event_type, ${sequence} AS event_sequence,
            ${data} AS event_data, ${beside} AS event_more FROM changed`;
  const parts: string[] = [];
  if (event) {
    const own = select(true, UUID_V7, event.type, event.sequence, event.data, `(${more ?? 'NULL'})::jsonb`);
    parts.push(event.when === undefined ? own : `${own} WHERE ${event.when}`);
  }
  if (more !== undefined && !(event && event.when === undefined)) {
    const first = select(
      false,
      `(events->0->>'id')::uuid`,
      `events->0->>'type'`,
      `(events->0->>'sequence')::int`,
      `events->0->>'data'`,
      `nullif(events - 0, '[]')`,
    );
    const others = `${first}, LATERAL (SELECT ${more} AS events OFFSET 0) AS others WHERE events->0 IS NOT NULL`;
    parts.push(event ? `${others} AND (${event.when}) IS NOT TRUE` : others);
  }
  return parts.join(' UNION ALL ');
}

const CLAIM_END = `clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS})`;

function claimable(locked: boolean): string {
  const waiting = `(${waitingOf('event_tenant', 'event_subject')}) IS NULL`;
  return locked ? waiting : `event_sequence = 1 OR event_sequence = 2 AND ${waiting}`;
}

/**
 * An event of a subject that waits, or null; before: with a smaller sequence. A look into the index for each subject: EXISTS
 * Postgres may join, and read all that waits for each.
 */
export function waitingOf(tenantId: string, subject: string, before?: string): string {
  return `SELECT w.id FROM outbox w WHERE w.tenant_id = ${tenantId} AND w.subject = ${subject} AND w.published_at IS NULL
    ${before === undefined ? '' : `AND w.sequence < ${before}`} LIMIT 1`;
}

/** Postgres makes them itself from version 18 on. RFC 9562: 48 bits of milliseconds, then version and randomness. */
const UUID_V7 = `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid`;

const INSERT = `
  WITH added AS (
    INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claim_ends_at)
    SELECT e.tenant_id, e.id, e.type, e.subject, e.sequence, e.time, e.data,
           CASE WHEN NOT e.may_claim OR e.sequence > 1 AND (${waitingOf('e.tenant_id', 'e.subject')}) IS NOT NULL
           THEN '-infinity' ELSE ${CLAIM_END} END
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::json[], $8::bool[])
      AS e (tenant_id, id, type, subject, sequence, time, data, may_claim)
    RETURNING id, claim_ends_at)
  SELECT id FROM added WHERE claim_ends_at > '-infinity'`;
