import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Database } from '@parley/postgres';
import { rowsReadBy } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { expireDue } from './session-rows.ts';
import { addRunning, silentOutbox } from './testing/running-sessions.ts';
import { SessionApp } from './testing/session-app.ts';
import { findDueRequests, findDueWaits, takeRequests } from './waiting-sessions.ts';

const tenantId = uuidv7();
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

it('finds the waits that are over behind thousands of sessions at their end, without reading those', async () => {
  await addRunning(app, 5_000, { tenantId, ends: '-10 seconds' });
  await addRunning(app, 2, { tenantId, waits: '-1 second' });
  await addRunning(app, 3, { tenantId, waitKind: 'http', waits: '0 seconds' });
  const rows = await rowsReadBy(database, 'sessions', async () => {
    expect(await findDueWaits(database, 200)).toHaveLength(2);
    const requests = await findDueRequests(database, 2_000);
    expect(requests).toHaveLength(3);
    expect(await takeRequests(database, requests, 60)).toHaveLength(3);
  });
  expect(rows).toBeLessThan(100);
});

it('ends sessions behind thousands whose wait is over, without reading those', async () => {
  await addRunning(app, 5_000, { tenantId, waits: '-10 seconds' });
  await addRunning(app, 2, { tenantId, ends: '-1 second' });
  // Nobody took the timeout before its session was at its end.
  await addRunning(app, 1, { tenantId, waitKind: 'delay', waits: '-2 seconds', ends: '-1 second' });
  const rows = await rowsReadBy(database, 'sessions', async () => {
    expect(await expireDue(silentOutbox(database), 500)).toHaveLength(3);
  });
  expect(rows).toBeLessThan(100);
});
