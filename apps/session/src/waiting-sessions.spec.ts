import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Outbox, type OutboxRelay } from '@parley/events';
import { Database } from '@parley/postgres';
import { rowsReadBy } from '@parley/testing';
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

it('finds the waits that are over behind thousands of sessions at their end, without reading those', async () => {
  await add(5_000, 'reply', '-10 seconds', '1 hour');
  await add(2, 'reply', '1 hour', '-1 second');
  await add(3, 'http', '1 hour', '0 seconds');
  const rows = await rowsReadBy(database, 'sessions', async () => {
    expect(await findDueWaits(database, 200)).toHaveLength(2);
    expect(await takeRequests(database, 50, 60)).toHaveLength(3);
  });
  expect(rows).toBeLessThan(100);
});

it('ends sessions behind thousands whose wait is over, without reading those', async () => {
  await add(5_000, 'reply', '1 hour', '-10 seconds');
  await add(2, 'reply', '-1 second', '1 hour');
  // Nobody took the timeout before its session was at its end.
  await add(1, 'delay', '-1 second', '-2 seconds');
  const outbox = new Outbox(database, {
    accepts: () => false,
    publishSoon: () => undefined,
  } as unknown as OutboxRelay);
  const rows = await rowsReadBy(database, 'sessions', async () => {
    expect(await expireDue(outbox, 500)).toHaveLength(3);
  });
  expect(rows).toBeLessThan(100);
});
