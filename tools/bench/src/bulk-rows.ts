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
