import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Outbox } from '@parley/events';
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
import { addRunning, silentOutbox } from './testing/running-sessions.ts';
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
  await addRunning(app, 2_000, { tenantId });
  await app.database.query(`UPDATE sessions SET status = 'cancelled', ended_at = now()`);
  await app.database.query('VACUUM ANALYZE sessions');
  await addRunning(app, 5_000, { tenantId });
  database = await Database.connect({ url: app.database.url, name: 'session', poolSize: 1 });
  outbox = silentOutbox(database);
});
afterAll(async () => {
  await database.close();
  await app.close();
});

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
