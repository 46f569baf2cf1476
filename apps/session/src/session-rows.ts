import type { Teller } from '@parley/events';
import type { Statements } from '@parley/postgres';
import {
  endedColumns,
  SESSION_CANCELLED,
  SESSION_EXPIRED,
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

export interface NewSession extends RunningKey {
  id: string;
  flowName: string;
  flowVersion: number;
  ttlMinutes: number;
  entryNodeId: string;
  /** JSON text. */
  context: string;
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

const KEYS = 'SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])';
const FACTS = `s.tenant_id AS "tenantId", s.id, s.flow_id AS "flowId", s.flow_name AS "flowName",
  s.flow_version AS "flowVersion", s.contact_id AS "contactId", s.expires_at AS "expiresAt"`;
// Milliseconds, as JavaScript and the events have them.
const NOW = `date_trunc('milliseconds', clock_timestamp())`;
const ENDED = endedColumns(NOW);
const GIVE_ENDED = 'ended_at AS "endedAt", ended_now AS "endedNow"';
const EXPIRE = `UPDATE sessions s SET status = 'expired', ended_at = s.expires_at, sequence = s.sequence + 1`;
const CANCEL = `UPDATE sessions s SET status = 'cancelled', ended_at = ${NOW}, sequence = s.sequence + 1`;
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
 * Adds sessions, with their events; passes over those whose flow and contact have a running one. Gives those added. Each
 * begins at its own insertion, not at the batch's: the session before it may have been ended meanwhile.
 */
export async function insertSessions(teller: Teller, sessions: NewSession[]): Promise<AddedSession[]> {
  return teller.change<AddedSession>({
    statement: `INSERT INTO sessions AS s (tenant_id, flow_id, contact_id, id, flow_name, flow_version, current_node_id, context,
       status, sequence, created_at, last_interaction_at, expires_at)
     SELECT n.tenant_id, n.flow_id, n.contact_id, n.id, n.flow_name, n.flow_version, n.node_id, n.context,
       'running', 1, clock.now, clock.now, clock.now + make_interval(mins => n.ttl)
     FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::int[], $7::text[], $8::json[], $9::int[])
         AS n (tenant_id, flow_id, contact_id, id, flow_name, flow_version, node_id, context, ttl),
       LATERAL (SELECT ${NOW} AS now WHERE n.ttl IS NOT NULL) AS clock
     ON CONFLICT (tenant_id, flow_id, contact_id) WHERE status = 'running' DO NOTHING
     RETURNING ${SESSION_COLUMNS}`,
    event: SESSION_STARTED,
    give: 'id, expires_at AS "expiresAt"',
    parameters: [
      ...keyColumns(sessions),
      sessions.map((session) => session.id),
      sessions.map((session) => session.flowName),
      sessions.map((session) => session.flowVersion),
      sessions.map((session) => session.entryNodeId),
      sessions.map((session) => session.context),
      sessions.map((session) => session.ttlMinutes),
    ],
  });
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
        WHERE status = 'running' AND expires_at <= (SELECT clock_timestamp())
        ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS due
      WHERE s.tenant_id = due.tenant_id AND s.id = due.id RETURNING ${ENDED}`,
    parameters: [limit],
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
    event,
    give: 'id',
  });
}

/** Cancels a session that runs and has time left. Whether there was one. */
export async function cancelRunning(teller: Teller, tenantId: string, id: string): Promise<boolean> {
  const cancelled = await teller.change({
    statement: `${CANCEL}
      WHERE s.tenant_id = $1 AND s.id = $2 AND s.status = 'running' AND s.expires_at > clock_timestamp()
      RETURNING ${ENDED}`,
    parameters: [tenantId, id],
    event: SESSION_CANCELLED,
    give: 'id',
  });
  return cancelled.length > 0;
}

function keyColumns(keys: RunningKey[]): string[][] {
  return [keys.map((key) => key.tenantId), keys.map((key) => key.flowId), keys.map((key) => key.contactId)];
}
