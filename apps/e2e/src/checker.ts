import type { EventProbe, RecordedEvent } from '@parley/testing';
import { drain, gather, type Evidence, type Query } from './evidence.ts';
import { effectsOnce, repliesOnce, timeoutsOnTime, timelinesWhole } from './conversation-invariants.ts';
import type { Call, History } from './history.ts';
import {
  expiredOnTime,
  inSequence,
  oneStartOneEnd,
  outboxReachesStream,
  storedTwice,
} from './event-invariants.ts';
import {
  acknowledgedExist,
  endsStand,
  neverShownPastItsTime,
  oneRunning,
  sameKeySameAnswer,
  shorten,
  tenantsApart,
  violation,
  type Violation,
} from './invariants.ts';

export { History } from './history.ts';
export type { Violation } from './invariants.ts';

export interface CheckOptions {
  query: Query;
  /** Of PARLEY_SESSION. */
  probe: EventProbe;
  /** How long the backlog may take to drain (I9). Default 15,000 ms. */
  drainWithinMs?: number;
  /** How late an expiry may be (I6). Default 2,000 ms (P5); Infinity where the services were down meanwhile. */
  lateMs?: number;
  /** Whether the stream itself may hold no event twice: where no repetition can be older than NATS remembers. */
  onceEach?: boolean;
}

const DRAIN_WITHIN_MS = 15_000;
const LATE_MS = 2_000;
/**
 * Compares what callers were told with the session database and the stream, once the backlog has drained. Only the
 * history's tenants are looked at: the stream may be shared. Empty when every promise held (I1 to I9).
 */
export async function check(history: History, options: CheckOptions): Promise<Violation[]> {
  const left = await drain(options.query, options.drainWithinMs ?? DRAIN_WITHIN_MS);
  const backlog = left > 0 ? violation('I9', `${left} events still wait in the outbox`) : [];
  const evidence = await gather(options.query, options.probe);
  const repeated = options.onceEach ? storedTwice(evidence.events) : [];
  return [...backlog, ...repeated, ...judge(history.calls, evidence, options.lateMs)];
}

/** The same without waiting or reading. */
export function judge(calls: Call[], evidence: Evidence, lateMs = LATE_MS): Violation[] {
  const tenants = new Set(calls.map((call) => call.tenantId));
  const sessions = evidence.sessions.filter((row) => tenants.has(row.tenantId));
  const rows = new Map(evidence.sessions.map((row) => [row.id, row]));
  const foreign = new Set(evidence.sessions.filter((row) => !tenants.has(row.tenantId)).map((row) => row.id));
  const ours = (event: RecordedEvent): boolean => tenants.has(event.tenantid) || rows.has(event.subject);
  const all = evidence.events.filter((event) => ours(event) && !foreign.has(event.subject));
  const events = [...new Map(all.map((event) => [event.id, event])).values()];
  const own = new Set(sessions.map(({ id }) => id));
  const sprints = Map.groupBy(
    evidence.sprints.filter(({ sessionId }) => own.has(sessionId)),
    ({ sessionId }) => sessionId,
  );
  const bySubject = Map.groupBy(events, (event) => event.subject);
  const found = [
    ...oneRunning(sessions),
    ...acknowledgedExist(calls, rows),
    ...endsStand(calls, rows),
    ...sameKeySameAnswer(calls),
    ...oneStartOneEnd(sessions, rows, bySubject, all),
    ...outboxReachesStream(evidence, tenants, events),
    ...inSequence(bySubject, rows),
    ...expiredOnTime(sessions, bySubject, lateMs),
    ...neverShownPastItsTime(calls, sessions, rows),
    ...tenantsApart(calls, rows, events),
    ...timelinesWhole(sessions, sprints),
    ...effectsOnce(sessions, sprints, bySubject),
    ...repliesOnce(
      calls,
      evidence.replies.filter((row) => tenants.has(row.tenantId)),
      sprints,
    ),
    ...timeoutsOnTime(calls, sprints, lateMs),
  ];
  return shorten(found);
}
