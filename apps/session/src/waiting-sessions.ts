import type { Statements } from '@parley/postgres';
import type { LockedSession } from './session-memory.ts';
import { RUNNING_BY_DUE } from './session-rows.ts';

/** The statements that find sessions an input is for, and lock them. */

/** A session, and the version it runs on. */
export interface SessionRef {
  tenantId: string;
  id: string;
  flowId: string;
  flowVersion: number;
  contactId: string;
}

type Queries = Pick<Statements, 'query'>;

const REF = `tenant_id AS "tenantId", id, flow_id AS "flowId", flow_version AS "flowVersion", contact_id AS "contactId"`;
const LOCKED = `tenant_id AS "tenantId", id, flow_id AS "flowId", flow_name AS "flowName", flow_version AS "flowVersion",
  contact_id AS "contactId", status, context::text AS context, current_node_id AS "currentNodeId", memory,
  wait_until AS "waitUntil", waiting_since AS "waitingSince", entries, sequence, created_at AS "createdAt",
  last_interaction_at AS "lastInteractionAt", expires_at AS "expiresAt",
  date_trunc('milliseconds', clock_timestamp()) AS now`;
/** Before all ids. */
const NIL = '00000000-0000-0000-0000-000000000000';
/** A session that still waits for the answer to a request: its id, and that of the wait. */
const TAKEN = `tenant_id = $1 AND id = $2 AND ended_at IS NULL AND wait_kind = 'http' AND (memory->'wait'->>'id')::int = $3
  AND expires_at > clock_timestamp()`;
const DUE = `due_at <= (SELECT clock_timestamp()) AND expires_at > (SELECT clock_timestamp())`;

export async function findSession(
  database: Queries,
  tenantId: string,
  id: string,
): Promise<SessionRef | undefined> {
  const [session] = await database.query<SessionRef>(
    `SELECT ${REF} FROM sessions WHERE tenant_id = $1 AND id = $2`,
    [tenantId, id],
  );
  return session;
}

/** Of a contact's sessions that wait for a reply, the one whose wait is the newest. */
export async function findNewestWait(
  database: Queries,
  tenantId: string,
  contactId: string,
): Promise<SessionRef | undefined> {
  const [session] = await database.query<SessionRef>(
    `SELECT ${REF} FROM sessions
     WHERE tenant_id = $1 AND contact_id = $2 AND ended_at IS NULL AND wait_kind = 'reply'
       AND expires_at > clock_timestamp()
     ORDER BY waiting_since DESC, id DESC LIMIT 1`,
    [tenantId, contactId],
  );
  return session;
}

/** Locks a session, whatever its status. The clock is read once it is locked. */
export async function lockSession(
  tx: Queries,
  tenantId: string,
  id: string,
): Promise<LockedSession | undefined> {
  const [session] = await tx.query<LockedSession>(
    // In a subquery, so that the clock is not read while the lock is waited for.
    `SELECT ${LOCKED} FROM (SELECT * FROM sessions WHERE tenant_id = $1 AND id = $2 FOR UPDATE OFFSET 0) AS s`,
    [tenantId, id],
  );
  return session;
}

/** A session whose wait is over, and since when: a timestamp's text, as precise as the column. */
export interface DueWait extends SessionRef {
  dueAt: string;
}

/** Sessions whose wait for a reply or the clock is over, oldest first; those behind a given one, if one is given. */
export async function findDueWaits(database: Queries, limit: number, after?: DueWait): Promise<DueWait[]> {
  return database.query<DueWait>(
    `SELECT ${REF}, due_at::text AS "dueAt" FROM sessions
     WHERE ${RUNNING_BY_DUE} AND ${DUE} AND wait_kind IN ('reply', 'delay')
       AND (due_at, id) > ($2::timestamptz, $3::uuid)
     ORDER BY due_at, id LIMIT $1`,
    [limit, after?.dueAt ?? '-infinity', after?.id ?? NIL],
  );
}

/** Locks those of some sessions whose wait is still over, leaving alone those that somebody else has in hand. */
export async function lockDueWaits(tx: Queries, sessions: SessionRef[]): Promise<LockedSession[]> {
  return tx.query<LockedSession>(
    `SELECT held.* FROM unnest($1::uuid[], $2::uuid[]) AS key (tenant_id, id), LATERAL (
       SELECT ${LOCKED} FROM sessions
       WHERE tenant_id = key.tenant_id AND id = key.id AND ended_at IS NULL AND ${DUE} AND wait_kind IN ('reply', 'delay')
       LIMIT 1 FOR UPDATE SKIP LOCKED) AS held`,
    [sessions.map(({ tenantId }) => tenantId), sessions.map(({ id }) => id)],
  );
}

/** A request that is to be made now, and the host it goes to; since when: as of a wait that is over. */
export interface DueRequest extends Pick<DueWait, 'tenantId' | 'id' | 'dueAt'> {
  host: string;
}

/** Requests that are to be made now, oldest first; those behind a given one, if one is given. */
export async function findDueRequests(
  database: Queries,
  limit: number,
  after?: DueRequest,
): Promise<DueRequest[]> {
  const requests = await database.query<Omit<DueRequest, 'host'> & { url: string }>(
    `SELECT tenant_id AS "tenantId", id, due_at::text AS "dueAt", memory->'wait'->'request'->>'url' AS url FROM sessions
     WHERE ${RUNNING_BY_DUE} AND ${DUE} AND wait_kind = 'http' AND (due_at, id) > ($2::timestamptz, $3::uuid)
     ORDER BY due_at, id LIMIT $1`,
    [limit, after?.dueAt ?? '-infinity', after?.id ?? NIL],
  );
  return requests.map(({ url, ...request }) => ({ ...request, host: URL.parse(url)?.host ?? '' }));
}

/** A request to be made, taken for a while. */
export interface TakenRequest extends SessionRef {
  /** The wait and its request, as the engine wrote them. */
  wait: NonNullable<NonNullable<LockedSession['memory']>['wait']>;
  /** 1 for the first time it is made. */
  attempt: number;
}

/**
 * Takes those of some requests that are still to be made, for so many seconds: whoever takes one and dies leaves it to others
 * after that. Leaves alone those that somebody else has in hand.
 */
export async function takeRequests(
  database: Queries,
  requests: Pick<DueRequest, 'tenantId' | 'id'>[],
  seconds: number,
): Promise<TakenRequest[]> {
  return database.query<TakenRequest>(
    `UPDATE sessions s SET wait_until = clock_timestamp() + make_interval(secs => $3), http_attempts = s.http_attempts + 1
     FROM (SELECT held.* FROM unnest($1::uuid[], $2::uuid[]) AS key (tenant_id, id), LATERAL (
             SELECT tenant_id, id FROM sessions
             WHERE tenant_id = key.tenant_id AND id = key.id AND ended_at IS NULL AND ${DUE} AND wait_kind = 'http'
             LIMIT 1 FOR UPDATE SKIP LOCKED) AS held) AS due
     WHERE s.tenant_id = due.tenant_id AND s.id = due.id
     RETURNING s.tenant_id AS "tenantId", s.id, s.flow_id AS "flowId", s.flow_version AS "flowVersion",
       s.contact_id AS "contactId", s.memory->'wait' AS wait, s.http_attempts AS attempt`,
    [requests.map(({ tenantId }) => tenantId), requests.map(({ id }) => id), seconds],
  );
}

/** Lets a taken request be made again at once, as if it had not been taken: this attempt was none. */
export async function giveBackRequest(
  database: Queries,
  { tenantId, id, wait, attempt }: TakenRequest,
): Promise<void> {
  await database.query(
    `UPDATE sessions SET wait_until = clock_timestamp(), http_attempts = http_attempts - 1
     WHERE ${TAKEN} AND http_attempts = $4`,
    [tenantId, id, wait.id, attempt],
  );
}

/** Lets a taken request be made again after so many milliseconds, if the session still waits for it. */
export async function postponeRequest(
  database: Queries,
  { tenantId, id, wait }: TakenRequest,
  milliseconds: number,
): Promise<void> {
  await database.query(
    `UPDATE sessions SET wait_until = clock_timestamp() + make_interval(secs => $4 / 1000.0)
     WHERE ${TAKEN}`,
    [tenantId, id, wait.id, milliseconds],
  );
}
