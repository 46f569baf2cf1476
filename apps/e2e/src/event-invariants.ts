import { isDeepStrictEqual } from 'node:util';
import type { RecordedEvent } from '@parley/testing';
import type { Evidence, SessionRow } from './evidence.ts';
import { violation, type Violation } from './invariants.ts';

/** I4: by what the row says of itself. */
export function oneStartOneEnd(
  sessions: SessionRow[],
  rows: Map<string, SessionRow>,
  bySubject: Map<string, RecordedEvent[]>,
  all: RecordedEvent[],
): Violation[] {
  const wrong = sessions.flatMap((row) => {
    const types = (bySubject.get(row.id) ?? []).map((event) => event.type);
    const starts = types.filter((type) => type === 'session.started').length;
    const ends = types.filter((type) => TERMINAL.has(type));
    const expected = row.status === 'running' ? [] : [`session.${row.status}`];
    if (starts === 1 && isDeepStrictEqual(ends, expected)) return [];
    return violation('I4', `${row.id} is ${row.status}; its events: ${types.join(', ') || 'none'}`);
  });
  const rowless = [...bySubject.keys()]
    .filter((subject) => !rows.has(subject))
    .map((subject) => ({ name: 'I4' as const, text: `${subject} has events and no row` }));
  const changed = [...Map.groupBy(all, (event) => event.id).values()]
    .filter(([first, ...others]) => others.some((event) => !isDeepStrictEqual(event, first)))
    .flatMap(([first]) => violation('I4', `event ${first!.id} came with two contents`));
  return [...wrong, ...rowless, ...changed];
}

const TERMINAL = new Set(['completed', 'expired', 'failed', 'cancelled'].map((end) => `session.${end}`));

/** I4: what the outbox calls published is in the stream. */
export function outboxReachesStream(
  { outbox }: Evidence,
  tenants: Set<string>,
  events: RecordedEvent[],
): Violation[] {
  const stored = new Set(events.map((event) => event.id));
  return outbox
    .filter((row) => tenants.has(row.tenantId) && row.publishedAt !== null && !stored.has(row.id))
    .flatMap((row) => violation('I4', `${row.type} of ${row.subject} is marked as published, and is not`));
}

/** I4, of a stream that has to hold every event once: NATS drops what comes again within five minutes. */
export function storedTwice(events: RecordedEvent[]): Violation[] {
  const repeated = [...Map.groupBy(events, (event) => event.id).values()].filter(({ length }) => length > 1);
  return repeated.flatMap(([first, ...others]) =>
    violation('I4', `event ${first!.id} lies in the stream ${others.length + 1} times`),
  );
}

/** I5: in the order in which a consumer meets them first. */
export function inSequence(
  bySubject: Map<string, RecordedEvent[]>,
  rows: Map<string, SessionRow>,
): Violation[] {
  return [...bySubject].flatMap(([subject, events]) => {
    const sequences = events.map((event) => event.sequence);
    const row = rows.get(subject);
    const last = row?.sequence ?? events.length;
    if (
      isDeepStrictEqual(
        sequences,
        Array.from({ length: last }, (_, index) => index + 1),
      )
    )
      return [];
    return violation('I5', `${subject}: events ${sequences.join(', ')}; the row's last is ${last}`);
  });
}

/** I6: by the time of the event, which is when the expiry was committed. */
export function expiredOnTime(
  sessions: SessionRow[],
  bySubject: Map<string, RecordedEvent[]>,
  lateMs: number,
): Violation[] {
  return sessions.flatMap((row) => {
    if (row.status !== 'expired') return [];
    const wrongEnd = row.endedAt?.getTime() !== row.expiresAt.getTime();
    if (wrongEnd) return violation('I6', `${row.id} expired, but did not end when its time was up`);
    const event = bySubject.get(row.id)?.find(({ type }) => type === 'session.expired');
    if (!event) return [];
    const late = new Date(event.time).getTime() - row.expiresAt.getTime();
    if (late < 0) return violation('I6', `${row.id} was expired ${-late} ms early`);
    return late > lateMs ? violation('I6', `${row.id} was expired ${late} ms late`) : [];
  });
}
