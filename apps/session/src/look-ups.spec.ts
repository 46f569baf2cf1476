import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Outbox, type OutboxRelay } from '@parley/events';
import { Database } from '@parley/postgres';
import { rowsReadBy } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import {
  cancelOfFlow,
  cancelRunning,
  cancelRunningOf,
  expireDead,
  expireDue,
  findRunning,
  type RunningKey,
} from './session-rows.ts';
import { SessionApp } from './testing/session-app.ts';
import {
  findDueWaits,
  findNewestWait,
  findSession,
  lockDueWaits,
  lockSession,
  postponeRequest,
  takeRequests,
  type TakenRequest,
} from './waiting-sessions.ts';

const tenantId = uuidv7();
let app: SessionApp;
let database: Database;
let outbox: Outbox;

beforeAll(async () => {
  app = await SessionApp.create();
  // What Postgres knows of the table is from a quiet hour: many sessions have ended, none runs.
  await add(2_000);
  await app.database.query(`UPDATE sessions SET status = 'cancelled', ended_at = now()`);
  await app.database.query('VACUUM ANALYZE sessions');
  await add(5_000);
  database = await Database.connect({ url: app.database.url, name: 'session', poolSize: 1 });
  const relay = { accepts: () => false, publishSoon: () => undefined } as unknown as OutboxRelay;
  outbox = new Outbox(database, relay);
});
afterAll(async () => {
  await database.close();
  await app.close();
});

/** Running sessions of one tenant that wait for a reply, each of another flow and contact. */
async function add(count: number): Promise<void> {
  await app.database.query(
    `INSERT INTO sessions (tenant_id, id, flow_id, contact_id, flow_name, flow_version, current_node_id, context, memory, status,
       sequence, created_at, last_interaction_at, expires_at, wait_kind, wait_until)
     SELECT $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Many', 1, 'ask', '{}', '{}', 'running',
            1, now(), now(), now() + interval '1 hour', 'reply', now() + interval '1 hour' FROM generate_series(1, $2::int)`,
    [tenantId, count],
  );
}

const keys: RunningKey[] = Array.from({ length: 10 }, () => ({
  tenantId,
  flowId: uuidv7(),
  contactId: uuidv7(),
}));
const ref = { tenantId, id: uuidv7(), flowId: uuidv7(), flowVersion: 1, contactId: uuidv7() };
const taken: TakenRequest = { ...ref, attempt: 1, wait: { kind: 'http', id: 1 } as TakenRequest['wait'] };

it.each<[string, () => Promise<unknown>]>([
  ['the running sessions of keys', () => findRunning(database, keys)],
  ['those of keys to be expired', () => expireDead(outbox, keys)],
  ['those of keys to be cancelled', () => cancelRunningOf(outbox, keys)],
  ['those of a flow to be cancelled', () => cancelOfFlow(outbox, tenantId, ref.flowId, 500)],
  ['one to be cancelled', () => cancelRunning(outbox, tenantId, ref.id)],
  ['one', () => findSession(database, tenantId, ref.id)],
  ['one, and locks it', () => lockSession(database, tenantId, ref.id)],
  ['the newest wait of a contact', () => findNewestWait(database, tenantId, ref.contactId)],
  ['waits that are over', () => findDueWaits(database, 200)],
  ['those, and locks them', () => lockDueWaits(database, [ref])],
  ['requests to be made', () => takeRequests(database, 50, 60)],
  ['a request to be made again', () => postponeRequest(database, taken, 1_000)],
  ['what is due', () => expireDue(outbox, 500)],
])('finds %s among thousands that run, without reading those', async (_what, work) => {
  expect(await rowsReadBy(database, 'sessions', work)).toBeLessThan(100);
});
