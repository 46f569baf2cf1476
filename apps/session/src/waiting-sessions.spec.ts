import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Outbox, type OutboxRelay } from '@parley/events';
import { Database } from '@parley/postgres';
import { v7 as uuidv7 } from 'uuid';
import { expireDue } from './session-rows.ts';
import { SessionApp } from './testing/session-app.ts';
import { findDueWaits, takeRequests } from './waiting-sessions.ts';

let app: SessionApp;
let database: Database;

beforeEach(async () => {
  app = await SessionApp.create();
  database = await Database.connect({ url: app.database.url, name: 'session', poolSize: 1 });
});
afterEach(async () => {
  await database.close();
  await app.close();
});

/** Running sessions that wait, by how long until they end and until their wait is over. */
async function add(count: number, kind: string, ends: string, waits: string): Promise<void> {
  await app.database.query(
    `INSERT INTO sessions (tenant_id, id, flow_id, contact_id, flow_name, flow_version, current_node_id, context, memory, status,
       sequence, created_at, last_interaction_at, expires_at, wait_kind, wait_until)
     SELECT $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Many', 1, 'ask', '{}', '{}', 'running',
            1, now(), now(), now() + $3::interval, $2, now() + $4::interval FROM generate_series(1, $5::int)`,
    [uuidv7(), kind, ends, waits, count],
  );
}

/** Rows of sessions that this connection has read by an index or by reading the table. */
async function rowsRead(): Promise<number> {
  await database.query('SELECT pg_stat_force_next_flush()');
  const [row] = await database.query<{ rows: number }>(
    `SELECT (seq_tup_read + idx_tup_fetch)::int AS rows FROM pg_stat_user_tables WHERE relname = 'sessions'`,
  );
  return row!.rows;
}

it('finds the waits that are over behind thousands of sessions at their end, without reading those', async () => {
  await add(5_000, 'reply', '-10 seconds', '1 hour');
  await add(2, 'reply', '1 hour', '-1 second');
  await add(3, 'http', '1 hour', '0 seconds');
  const before = await rowsRead();
  expect(await findDueWaits(database, 200)).toHaveLength(2);
  expect(await takeRequests(database, 50, 60)).toHaveLength(3);
  expect((await rowsRead()) - before).toBeLessThan(100);
});

it('ends sessions behind thousands whose wait is over, without reading those', async () => {
  await add(5_000, 'reply', '1 hour', '-10 seconds');
  await add(2, 'reply', '-1 second', '1 hour');
  // Nobody took the timeout before its session was at its end.
  await add(1, 'delay', '-1 second', '-2 seconds');
  const before = await rowsRead();
  const outbox = new Outbox(database, {
    accepts: () => false,
    publishSoon: () => undefined,
  } as unknown as OutboxRelay);
  expect(await expireDue(outbox, 500)).toHaveLength(3);
  expect((await rowsRead()) - before).toBeLessThan(100);
});
