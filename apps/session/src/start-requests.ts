import type { OldRows, Statements } from '@parley/postgres';
import type { RunningSession } from './session-rows.ts';

/** The statements on start_requests: the answers to starts that had a request id, kept for a day (P9). */

/** A request id, and what makes two requests with it the same one. */
export interface RequestKey {
  tenantId: string;
  requestId: string;
  /** In hex. */
  fingerprint: string;
}

/** How the start with a request id was answered. */
export interface RequestAnswer {
  result: 'started' | 'already_running';
  sessionId: string;
}

export interface EarlierStart extends RequestKey {
  result: 'started' | 'already_running';
  session: RunningSession;
}

const KEPT = `interval '24 hours'`;

/**
 * Takes request ids for starts that are about to be made, as if they will start what they bring; recordAnswer corrects
 * that. Gives those it could take: the others were taken within a day. Waits for a twin that is under way. Each request
 * id may be given once only.
 */
export async function claimRequests(
  tx: Statements,
  requests: (RequestKey & { id: string })[],
): Promise<Set<string>> {
  const claimed = await tx.query<RequestKey>(
    `INSERT INTO start_requests AS r (tenant_id, request_id, fingerprint, session_id, result, created_at)
     SELECT n.tenant_id, n.request_id, decode(n.fingerprint, 'hex'), n.session_id, 'started', clock_timestamp()
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) AS n (tenant_id, request_id, fingerprint, session_id)
     ON CONFLICT (tenant_id, request_id) DO UPDATE
       SET fingerprint = EXCLUDED.fingerprint, session_id = EXCLUDED.session_id, result = EXCLUDED.result,
           created_at = EXCLUDED.created_at
       WHERE r.created_at <= clock_timestamp() - ${KEPT}
     RETURNING tenant_id AS "tenantId", request_id AS "requestId"`,
    [...keyColumns(requests), requests.map(({ fingerprint }) => fingerprint), requests.map(({ id }) => id)],
  );
  return new Set(claimed.map(requestKeyOf));
}

/** The answers kept under these request ids, whatever their fingerprints. */
export async function findEarlierStarts(
  tx: Pick<Statements, 'query'>,
  requests: RequestKey[],
): Promise<Map<string, EarlierStart>> {
  const rows = await tx.query<Omit<EarlierStart, 'session'> & RunningSession>(
    `SELECT r.tenant_id AS "tenantId", r.request_id AS "requestId", encode(r.fingerprint, 'hex') AS fingerprint, r.result,
            s.id, s.flow_id AS "flowId", s.flow_name AS "flowName", s.flow_version AS "flowVersion",
            s.contact_id AS "contactId", s.expires_at AS "expiresAt"
     FROM unnest($1::uuid[], $2::text[]) AS key (tenant_id, request_id), LATERAL (
       SELECT * FROM start_requests
       WHERE tenant_id = key.tenant_id AND request_id = key.request_id AND created_at > clock_timestamp() - ${KEPT}
       LIMIT 1) AS r, LATERAL (
       SELECT * FROM sessions WHERE tenant_id = r.tenant_id AND id = r.session_id LIMIT 1) AS s`,
    keyColumns(requests),
  );
  return new Map(
    rows.map(({ requestId, fingerprint, result, ...session }) => {
      const { tenantId } = session;
      return [requestKeyOf({ tenantId, requestId }), { tenantId, requestId, fingerprint, result, session }];
    }),
  );
}

/** Corrects the answers of claimed requests; undefined gives the request id back. Not waited for. */
export function recordAnswers(
  tx: Statements,
  answers: { request: RequestKey; answer: RequestAnswer | undefined }[],
): void {
  if (answers.length === 0) return;
  tx.post(
    `WITH a AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[])
                AS a (tenant_id, request_id, result, session_id)),
          given_back AS (DELETE FROM start_requests r USING a
            WHERE r.tenant_id = a.tenant_id AND r.request_id = a.request_id AND a.result IS NULL)
     UPDATE start_requests r SET result = a.result, session_id = a.session_id FROM a
     WHERE r.tenant_id = a.tenant_id AND r.request_id = a.request_id AND a.result IS NOT NULL`,
    [
      ...keyColumns(answers.map(({ request }) => request)),
      answers.map(({ answer }) => answer?.result ?? null),
      answers.map(({ answer }) => answer?.sessionId ?? null),
    ],
  );
}

/** Answers that are no longer given. */
export const OLD_START_REQUESTS: OldRows = {
  table: 'start_requests',
  key: ['tenant_id', 'request_id'],
  condition: `created_at <= (SELECT clock_timestamp() - ${KEPT})`,
};

export function requestKeyOf({ tenantId, requestId }: Pick<RequestKey, 'tenantId' | 'requestId'>): string {
  return `${tenantId} ${requestId}`;
}

function keyColumns(requests: Pick<RequestKey, 'tenantId' | 'requestId'>[]): string[][] {
  return [requests.map(({ tenantId }) => tenantId), requests.map(({ requestId }) => requestId)];
}
