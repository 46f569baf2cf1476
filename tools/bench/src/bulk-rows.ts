import pg from 'pg';
import { CONTACT_ID_SQL, PHONE_SQL } from './numbered.ts';

/** Runs statements on a database, behind the backs of those it belongs to. */
export async function onDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Stores the numbered contacts from 0, as many as given. */
export async function loadContacts(databaseUrl: string, tenantId: string, count: number): Promise<void> {
  await onDatabase(databaseUrl, async (client) => {
    await client.query(
      `INSERT INTO contacts (tenant_id, id, phone, source, opted_in_at)
       SELECT $1, ${CONTACT_ID_SQL}, ${PHONE_SQL}, 'import', now() FROM generate_series(0::bigint, $2::bigint - 1) AS n
       ON CONFLICT DO NOTHING`,
      [tenantId, count],
    );
    // VACUUM sets the hint bits that the first readers would set otherwise.
    await client.query('VACUUM ANALYZE contacts');
  });
}

export interface StoredSessions {
  count: number;
  /** Which of the flows that only such sessions have. */
  flow: number;
  status: 'running' | 'expired';
  /** SQL of the time that session n is due at. */
  expiresAt: string;
}

const CHUNK = 100_000;

/** Stores sessions as if they had been started long ago, one for each numbered contact, with an empty context. */
export async function loadSessions(
  databaseUrl: string,
  tenantId: string,
  { count, flow, status, expiresAt }: StoredSessions,
  signal: AbortSignal,
): Promise<void> {
  await onDatabase(databaseUrl, async (client) => {
    for (let first = 0; first < count; first += CHUNK) {
      signal.throwIfAborted();
      await client.query(
        `INSERT INTO sessions (tenant_id, id, flow_id, flow_version, flow_name, contact_id, status, context,
           current_node_id, sequence, created_at, last_interaction_at, expires_at, ended_at)
         SELECT $1, uuidv7('-1 day'::interval), $2, 1, 'Bench', ${CONTACT_ID_SQL}, $3, '{}', 'start',
           CASE $3 WHEN 'running' THEN 1 ELSE 2 END, times.created, times.created, times.expires,
           CASE $3 WHEN 'running' THEN NULL ELSE times.expires END
         FROM generate_series($4::bigint, $5::bigint - 1) AS n,
           LATERAL (SELECT now() - interval '1 day' AS created, ${expiresAt} AS expires) AS times`,
        [tenantId, flowIdOf(flow), status, first, Math.min(first + CHUNK, count)],
      );
    }
    await client.query('VACUUM ANALYZE sessions');
  });
}

function flowIdOf(flow: number): string {
  return `01910000-0000-7000-8000-${flow.toString(16).padStart(12, '0')}`;
}
