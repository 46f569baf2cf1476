import type { Teller } from '@parley/events';
import type { Statements } from '@parley/postgres';
import type { SprintEvent } from './effect-events.ts';
import type { SprintColumns } from './session-memory.ts';
import {
  endedColumns,
  OF_CHANGED,
  OF_STARTED,
  SESSION_CANCELLED,
  SESSION_EXPIRED,
  SESSION_FINISHED,
  SESSION_STARTED,
  SESSION_COLUMNS,
} from './session.events.ts';

/** The statements that change sessions. Each sets many rows at once and decides by the database clock. */

/** One running session per flow and contact: what the unique index holds apart. */
export interface RunningKey {
  tenantId: string;
  flowId: string;
  contactId: string;
}

/** A session to be added, as its first sprint leaves it. */
export interface NewSession extends RunningKey {
  id: string;
  flowName: string;
  flowVersion: number;
  ttlMinutes: number;
  sprint: SprintColumns;
}

export interface RunningSession extends RunningKey {
  id: string;
  flowName: string;
  flowVersion: number;
  expiresAt: Date;
}

/** When a session ended: by the rules, and by the clock. */
export interface EndedSession {
  endedAt: Date;
  endedNow: Date;
}

/** A session that was just added. */
export type AddedSession = Pick<RunningSession, 'id' | 'expiresAt'>;

/**
 * Running sessions, for a statement that goes through them by their due time: the condition of the index that is for that.
 *
 * A statement that finds a session by its id or its contact says ended_at IS NULL, which is the same as status = 'running' and
 * the condition of no index: else Postgres, which looks at the table when few sessions run, may take an index of the running
 * ones instead of the key, and read all that run each time.
 */
export const RUNNING_BY_DUE = `status = 'running' AND due_at > '-infinity'`;

const KEYS = 'SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])';
const FACTS = `s.tenant_id AS "tenantId", s.id, s.flow_id AS "flowId", s.flow_name AS "flowName",
  s.flow_version AS "flowVersion", s.contact_id AS "contactId", s.expires_at AS "expiresAt"`;
// Milliseconds, as JavaScript and the events have them.
const NOW = `date_trunc('milliseconds', clock_timestamp())`;
const ENDED = endedColumns(NOW);
const GIVE_ENDED = 'ended_at AS "endedAt", changed_now AS "endedNow"';
/** An end from outside: its timeline entry has a number, and no row. */
const ENDS = `sequence = s.sequence + 1, entries = s.entries + 1, end_entry = s.entries + 1, wait_kind = NULL, wait_until = NULL`;
const EXPIRE = `UPDATE sessions s SET status = 'expired', ended_at = s.expires_at, ${ENDS}`;
const CANCEL = `UPDATE sessions s SET status = 'cancelled', ended_at = ${NOW}, ${ENDS}`;
/** Adds what timelinesOf gives as the parameter $n. */
const addTimeline = (parameter: string, time: string): string =>
  `INSERT INTO session_sprints (tenant_id, session_id, first_entry, at, entries)
   SELECT tenant_id, id, (sprint->>'first')::int, ${time}, (sprint->>'timeline')::json
   FROM changed, LATERAL (SELECT $${parameter}::jsonb -> id::text AS sprint OFFSET 0) AS s`;
/**
 * Locks the running sessions of the keys, in their order, so that two statements rarely wait for each other in a circle. A
 * look into the index for each key, whatever the planner thinks of the table: joined, it may read all running sessions.
 */
const runningOfKeys = (condition: string): string =>
  `SELECT held.* FROM (${KEYS}) AS key (tenant_id, flow_id, contact_id), LATERAL (
     SELECT tenant_id, id FROM sessions
     WHERE tenant_id = key.tenant_id AND flow_id = key.flow_id AND contact_id = key.contact_id
       AND status = 'running' AND ${condition} LIMIT 1 FOR UPDATE) AS held`;

/**
 * Adds sessions, with what their first sprint came to and their events; passes over those whose flow and contact have a
 * running one. Gives those added. Each begins at its own insertion, not at the batch's: the session before it may have been
 * ended meanwhile. One whose sprint has ended it already is added as running: finishSessions is for the same transaction.
 */
export async function insertSessions(teller: Teller, sessions: NewSession[]): Promise<AddedSession[]> {
  return teller.change<AddedSession>({
    statement: `INSERT INTO sessions AS s (tenant_id, flow_id, contact_id, id, flow_name, flow_version, current_node_id, context,
       memory, wait_kind, entries, status, sequence, created_at, last_interaction_at, expires_at, waiting_since, wait_until)
     SELECT n.tenant_id, n.flow_id, n.contact_id, n.id, n.flow_name, n.flow_version, n.node_id, n.context,
       n.memory, n.wait_kind, n.entries, 'running', 1 + n.events, clock.now, clock.now, clock.now + make_interval(mins => n.ttl),
       clock.now, clock.now + make_interval(secs => n.wait_ms / 1000.0)
     FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::int[], $7::text[], $8::json[], $9::int[],
                 $10::json[], $11::text[], $12::int[], $13::int[], $14::float8[])
         AS n (tenant_id, flow_id, contact_id, id, flow_name, flow_version, node_id, context, ttl,
               memory, wait_kind, entries, events, wait_ms),
       LATERAL (SELECT ${NOW} AS now WHERE n.ttl IS NOT NULL) AS clock
     ON CONFLICT (tenant_id, flow_id, contact_id) WHERE status = 'running' DO NOTHING
     RETURNING ${SESSION_COLUMNS}`,
    of: OF_STARTED,
    event: SESSION_STARTED,
    more: eventsOf(sessions),
    also: addTimeline('15', 'created_at'),
    give: 'id, expires_at AS "expiresAt"',
    parameters: [
      ...keyColumns(sessions),
      sessions.map((session) => session.id),
      sessions.map((session) => session.flowName),
      sessions.map((session) => session.flowVersion),
      sessions.map(({ sprint }) => sprint.nodeId),
      sessions.map(({ sprint }) => sprint.context),
      sessions.map((session) => session.ttlMinutes),
      sessions.map(({ sprint }) => sprint.memory),
      sessions.map(({ sprint }) => sprint.waitKind),
      sessions.map(({ sprint }) => sprint.entries),
      sessions.map(({ sprint }) => sprint.events.length),
      sessions.map(({ sprint }) => sprint.waitMs),
      timelinesOf(sessions),
    ],
  });
}

/** Ends sessions that were just added and whose first sprint has ended them. */
export async function finishSessions(teller: Teller, sessions: NewSession[]): Promise<void> {
  await teller.change({
    statement: `UPDATE sessions s SET status = n.status, outcome = n.outcome, failure = n.failure, ended_at = ${NOW},
         sequence = s.sequence + 1
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::json[]) AS n (tenant_id, id, status, outcome, failure)
       WHERE s.tenant_id = n.tenant_id AND s.id = n.id RETURNING ${ENDED}`,
    of: OF_CHANGED,
    event: SESSION_FINISHED,
    locked: true,
    parameters: [
      sessions.map((session) => session.tenantId),
      sessions.map((session) => session.id),
      sessions.map(({ sprint }) => sprint.status),
      sessions.map(({ sprint }) => sprint.outcome),
      sessions.map(({ sprint }) => sprint.failure),
    ],
  });
}

/** A session that a sprint has changed. now: by the database's clock, read when its row was locked. */
export interface AdvancedSession {
  tenantId: string;
  id: string;
  now: Date;
  lastInteractionAt: Date;
  expiresAt: Date;
  waitingSince: Date;
  sprint: SprintColumns;
}

/** Writes what sprints came to, with their events, into sessions the transaction has locked. */
export async function advanceSessions(teller: Teller, sessions: AdvancedSession[]): Promise<void> {
  if (sessions.length === 0) return;
  await teller.change({
    statement: `UPDATE sessions s SET status = n.status, current_node_id = n.node_id, context = coalesce(n.context, s.context),
         memory = n.memory, wait_kind = n.wait_kind, wait_until = n.now + make_interval(secs => n.wait_ms / 1000.0),
         waiting_since = n.waiting_since, http_attempts = 0, entries = n.entries, outcome = n.outcome, failure = n.failure,
         last_interaction_at = n.last_interaction_at, expires_at = n.expires_at,
         ended_at = CASE WHEN n.status <> 'running' THEN n.now END,
         sequence = s.sequence + n.events + CASE WHEN n.status <> 'running' THEN 1 ELSE 0 END
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::json[], $6::json[], $7::text[], $8::float8[], $9::timestamptz[],
                   $10::int[], $11::text[], $12::json[], $13::timestamptz[], $14::timestamptz[], $15::int[], $16::timestamptz[])
         AS n (tenant_id, id, status, node_id, context, memory, wait_kind, wait_ms, waiting_since, entries, outcome, failure,
               last_interaction_at, expires_at, events, now)
       WHERE s.tenant_id = n.tenant_id AND s.id = n.id RETURNING ${endedColumns('n.now')}`,
    of: OF_CHANGED,
    event: SESSION_FINISHED,
    more: eventsOf(sessions),
    also: addTimeline('17', 'changed_now'),
    locked: true,
    parameters: [
      sessions.map((session) => session.tenantId),
      sessions.map((session) => session.id),
      sessions.map(({ sprint }) => sprint.status),
      sessions.map(({ sprint }) => sprint.nodeId),
      sessions.map(({ sprint }) => sprint.context),
      sessions.map(({ sprint }) => sprint.memory),
      sessions.map(({ sprint }) => sprint.waitKind),
      sessions.map(({ sprint }) => sprint.waitMs),
      sessions.map((session) => session.waitingSince),
      sessions.map(({ sprint }) => sprint.entries),
      sessions.map(({ sprint }) => sprint.outcome),
      sessions.map(({ sprint }) => sprint.failure),
      sessions.map((session) => session.lastInteractionAt),
      sessions.map((session) => session.expiresAt),
      sessions.map(({ sprint }) => sprint.events.length),
      sessions.map((session) => session.now),
      timelinesOf(sessions),
    ],
  });
}

type Advanced = Pick<AdvancedSession, 'id' | 'sprint'>;

function eventsOf(sessions: Advanced[]): Map<string, SprintEvent[]> {
  return new Map(
    sessions.filter(({ sprint }) => sprint.events.length > 0).map(({ id, sprint }) => [id, sprint.events]),
  );
}

/** The sprints' timelines, as JSON that a statement looks into by the session's id. */
function timelinesOf(sessions: Advanced[]): string {
  return JSON.stringify(
    Object.fromEntries(
      sessions.map(({ id, sprint: { firstEntry, timeline } }) => [id, { first: firstEntry, timeline }]),
    ),
  );
}

/** Those of the keys that have a running session with time left. */
export async function findRunning(
  database: Pick<Statements, 'query'>,
  keys: RunningKey[],
): Promise<RunningSession[]> {
  return database.query<RunningSession>(
    `SELECT s.* FROM (${KEYS}) AS key (tenant_id, flow_id, contact_id), LATERAL (
       SELECT ${FACTS} FROM sessions s
       WHERE s.tenant_id = key.tenant_id AND s.flow_id = key.flow_id AND s.contact_id = key.contact_id
         AND s.status = 'running' AND s.expires_at > clock_timestamp() LIMIT 1) AS s`,
    keyColumns(keys),
  );
}

/** Expires those of the keys whose running session is past its time. */
export function expireDead(teller: Teller, keys: RunningKey[]): Promise<void> {
  return endRunning(teller, keys, EXPIRE, 'expires_at <= clock_timestamp()', SESSION_EXPIRED);
}

/**
 * Expires up to limit sessions that are due, oldest first, leaving alone those another replica has in hand. The clock is
 * asked once, in a subquery: compared with the function itself, which may change from row to row, the index is of no use.
 */
export async function expireDue(teller: Teller, limit: number): Promise<EndedSession[]> {
  return teller.change<EndedSession>({
    statement: `${EXPIRE} FROM (SELECT tenant_id, id FROM sessions
        WHERE ${RUNNING_BY_DUE} AND due_at <= (SELECT clock_timestamp()) AND expires_at <= (SELECT clock_timestamp())
        ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS due
      WHERE s.tenant_id = due.tenant_id AND s.id = due.id RETURNING ${ENDED}`,
    parameters: [limit],
    of: OF_CHANGED,
    event: SESSION_EXPIRED,
    give: GIVE_ENDED,
  });
}

/** Cancels those of the keys' sessions that run and have time left. */
export function cancelRunningOf(teller: Teller, keys: RunningKey[]): Promise<void> {
  return endRunning(teller, keys, CANCEL, 'expires_at > clock_timestamp()', SESSION_CANCELLED);
}

async function endRunning(
  teller: Teller,
  keys: RunningKey[],
  end: string,
  condition: string,
  event: typeof SESSION_EXPIRED,
): Promise<void> {
  await teller.change({
    statement: `${end} FROM (${runningOfKeys(condition)}) AS running
      WHERE s.tenant_id = running.tenant_id AND s.id = running.id RETURNING ${ENDED}`,
    parameters: keyColumns(keys),
    of: OF_CHANGED,
    event,
  });
}

/**
 * Cancels up to limit running sessions of a flow, and gives how many. Those that somebody else has in hand come last, when
 * there are no others: they are waited for, as they may run on.
 */
export async function cancelOfFlow(
  teller: Teller,
  tenantId: string,
  flowId: string,
  limit: number,
): Promise<number> {
  const free = await cancelTaken(teller, tenantId, flowId, limit, 'LIMIT $3 FOR UPDATE SKIP LOCKED');
  return free > 0 ? free : cancelTaken(teller, tenantId, flowId, limit, 'ORDER BY id LIMIT $3 FOR UPDATE');
}

async function cancelTaken(
  teller: Teller,
  tenantId: string,
  flowId: string,
  limit: number,
  take: string,
): Promise<number> {
  const cancelled = await teller.change({
    statement: `${CANCEL} FROM (SELECT tenant_id, id FROM sessions
        WHERE tenant_id = $1 AND flow_id = $2 AND status = 'running' AND expires_at > clock_timestamp()
        ${take}) AS running
      WHERE s.tenant_id = running.tenant_id AND s.id = running.id RETURNING ${ENDED}`,
    parameters: [tenantId, flowId, limit],
    of: OF_CHANGED,
    event: SESSION_CANCELLED,
    give: 'id',
  });
  return cancelled.length;
}

/** Cancels a session that runs and has time left. Whether there was one. */
export async function cancelRunning(teller: Teller, tenantId: string, id: string): Promise<boolean> {
  const cancelled = await teller.change({
    statement: `${CANCEL}
      WHERE s.tenant_id = $1 AND s.id = $2 AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
      RETURNING ${ENDED}`,
    parameters: [tenantId, id],
    of: OF_CHANGED,
    event: SESSION_CANCELLED,
    give: 'id',
  });
  return cancelled.length > 0;
}

function keyColumns(keys: RunningKey[]): string[][] {
  return [keys.map((key) => key.tenantId), keys.map((key) => key.flowId), keys.map((key) => key.contactId)];
}

/** Expires a session that the transaction has locked and whose time is up. */
export async function expireLocked(teller: Teller, tenantId: string, id: string): Promise<void> {
  await teller.change({
    statement: `${EXPIRE} WHERE s.tenant_id = $1 AND s.id = $2 RETURNING ${ENDED}`,
    parameters: [tenantId, id],
    of: OF_CHANGED,
    event: SESSION_EXPIRED,
    locked: true,
  });
}

/** Adds an entry to the timeline of a session the transaction has locked, and changes nothing else. */
export async function noteEntry(
  tx: Pick<Statements, 'query'>,
  { tenantId, id, sprint }: { tenantId: string; id: string; sprint: SprintColumns },
): Promise<void> {
  await tx.query(
    `WITH changed AS (
       UPDATE sessions SET entries = $3 WHERE tenant_id = $1 AND id = $2 RETURNING tenant_id, id)
     INSERT INTO session_sprints (tenant_id, session_id, first_entry, at, entries)
     SELECT tenant_id, id, $4::int, ${NOW}, $5::json FROM changed`,
    [tenantId, id, sprint.entries, sprint.firstEntry, sprint.timeline],
  );
}
