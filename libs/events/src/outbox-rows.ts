import type { Database } from '@parley/postgres';
import type { OutgoingEvent } from './event.ts';

/** Which of the kept events. Those not sent yet are never among them: they are the relay's. */
export interface Selection {
  /** By the event's own time: from this one … */
  since?: Date | undefined;
  /** … up to but without this one. */
  until?: Date | undefined;
  /** Event names such as session.started; none: all. */
  types: string[];
  tenantId?: string | undefined;
}

/** Rows by the order they were written in: after the first position, up to and with the last. */
export interface Range {
  after: number;
  last: number;
}

export type KeptEvent = OutgoingEvent & { position: string };

export interface TypeCount {
  type: string;
  events: number;
  /** Times of the first and the last of them. */
  first: Date;
  last: Date;
}

const COUNT_PAGE = 20_000;
const EVENT_PAGE = 1_000;
/**
 * A row's time is taken in its transaction, its position too, so that neighbours may be in the wrong order by as long
 * as a transaction takes, which is seconds.
 */
const DISORDER_MS = 60_000;

/** All there is now, or from about a time on: without reading what is older. */
export async function rangeFrom(database: Database, since?: Date): Promise<Range> {
  const [ends] = await database.query<{ first: string | null; last: string | null }>(
    'SELECT min(position) AS first, max(position) AS last FROM outbox',
  );
  const range = { after: Number(ends?.first ?? 1) - 1, last: Number(ends?.last ?? 0) };
  if (since === undefined) return range;
  const early = since.getTime() - DISORDER_MS;
  let [low, high] = [range.after, range.last];
  while (high - low > EVENT_PAGE) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await database.query<{ time: Date }>(
      'SELECT time FROM outbox WHERE position > $1 ORDER BY position LIMIT 1',
      [middle],
    );
    if (row && row.time.getTime() < early) low = middle;
    else high = middle;
  }
  return { after: low, last: range.last };
}

/** Counts the selected events of a range, by type; page by page, calling back with how far it is. */
export async function countEvents(
  database: Database,
  range: Range,
  selection: Selection,
  onPage: (position: number) => void = () => undefined,
): Promise<TypeCount[]> {
  const counts = new Map<string, TypeCount>();
  for await (const page of pages(database, range, COUNT_PAGE)) {
    const rows = await database.query<TypeCount>(
      `SELECT type, count(*)::int AS events, min(time) AS first, max(time) AS last
       FROM outbox_events WHERE ${WANTED} GROUP BY type`,
      wanted(page, selection),
    );
    for (const row of rows) counts.set(row.type, sum(counts.get(row.type), row));
    onPage(page.last);
  }
  return [...counts.values()].toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

/** The selected events of a range in the order they were written, with the end of each page; memory holds one page. */
export async function* selectEvents(
  database: Database,
  range: Range,
  selection: Selection,
): AsyncGenerator<{ events: KeptEvent[]; last: number }> {
  for await (const page of pages(database, range, EVENT_PAGE)) {
    const events = await database.query<KeptEvent>(
      `SELECT position, tenant_id AS "tenantId", id, type, subject, sequence, time, data::text
       FROM outbox_events WHERE ${WANTED} ORDER BY position, sequence`,
      wanted(page, selection),
    );
    yield { events, last: page.last };
  }
}

/** Cut by position and not by the selection: a page costs the same however few of its rows are wanted. */
async function* pages(database: Database, range: Range, size: number): AsyncGenerator<Range> {
  for (let { after } = range; ;) {
    const [page] = await database.query<{ last: string | null }>(
      `SELECT max(position) AS last FROM (
         SELECT position FROM outbox WHERE position > $1 AND position <= $2 ORDER BY position LIMIT ${size}) AS page`,
      [after, range.last],
    );
    if (page?.last == null) return;
    const last = Number(page.last);
    yield { after, last };
    after = last;
  }
}

const WANTED = `position > $1 AND position <= $2 AND published_at IS NOT NULL
  AND ($3::timestamptz IS NULL OR time >= $3) AND ($4::timestamptz IS NULL OR time < $4)
  AND (cardinality($5::text[]) = 0 OR type = ANY($5)) AND ($6::uuid IS NULL OR tenant_id = $6)`;

function wanted(page: Range, { since, until, types, tenantId }: Selection): unknown[] {
  return [page.after, page.last, since ?? null, until ?? null, types, tenantId ?? null];
}

function sum(before: TypeCount | undefined, more: TypeCount): TypeCount {
  if (!before) return more;
  return {
    type: more.type,
    events: before.events + more.events,
    first: before.first < more.first ? before.first : more.first,
    last: before.last > more.last ? before.last : more.last,
  };
}
