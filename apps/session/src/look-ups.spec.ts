import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Outbox } from '@parley/events';
import { Database } from '@parley/postgres';
import { rowsReadBy } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { CurrentSession, type SessionState } from './current-session.entity.ts';
import {
  cancelOfFlow,
  cancelRunning,
  cancelRunningOf,
  expireDead,
  expireDue,
  findRunning,
  type RunningKey,
} from './session-rows.ts';
import { SessionService } from './session.service.ts';
import { Timeline } from './timeline.ts';
import { addRunning, silentOutbox } from './testing/running-sessions.ts';
import { SessionApp } from './testing/session-app.ts';
import {
  findDueRequests,
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

/** Statements of the service, over one connection, which keeps the plans that it has made. */
async function connect(): Promise<void> {
  app = await SessionApp.create();
  const { url } = app.database;
  database = await Database.connect({ url, name: 'session', poolSize: 1, entities: [CurrentSession] });
  outbox = silentOutbox(database);
}

async function close(): Promise<void> {
  await database.close();
  await app.close();
}

const keys: RunningKey[] = Array.from({ length: 10 }, () => ({
  tenantId,
  flowId: uuidv7(),
  contactId: uuidv7(),
}));
const ref = { tenantId, id: uuidv7(), flowId: uuidv7(), flowVersion: 1, contactId: uuidv7() };
const taken: TakenRequest = { ...ref, attempt: 1, wait: { kind: 'http', id: 1 } as TakenRequest['wait'] };

const lookUps: [string, () => Promise<unknown>][] = [
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
  ['requests to be made', () => findDueRequests(database, 2_000)],
  ['those, and takes them', () => takeRequests(database, [ref], 60)],
  ['a request to be made again', () => postponeRequest(database, taken, 1_000)],
  ['what is due', () => expireDue(outbox, 500)],
];

/** Adds a session that the clock has left behind, so that the one before it is looked for. */
async function startLate(): Promise<void> {
  await database.query(
    `INSERT INTO sessions (tenant_id, id, flow_id, contact_id, flow_name, flow_version, current_node_id, context, memory, status,
       sequence, created_at, last_interaction_at, expires_at, wait_kind)
     SELECT $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Late', 1, 'ask', '{}', '{}', 'running',
            1, now() - interval '1 second', now(), now() + interval '1 hour', 'reply'`,
    [tenantId],
  );
}

describe('in a busy hour, by what Postgres knows of a quiet one,', () => {
  beforeAll(async () => {
    await connect();
    // Many sessions have ended, none runs.
    await addRunning(app, 2_000, { tenantId });
    await app.database.query(`UPDATE sessions SET status = 'cancelled', ended_at = now()`);
    await app.database.query('VACUUM ANALYZE sessions');
    await addRunning(app, 5_000, { tenantId });
  });
  afterAll(close);

  it.each(lookUps)('finds %s without reading the others that run', async (_what, work) => {
    expect(await rowsReadBy(database, 'sessions', work)).toBeLessThan(100);
  });

  it.each<[SessionState[], string]>([
    [['running'], 'ended'],
    [['failed'], 'cancelled and running'],
    [['completed', 'failed'], 'cancelled and running'],
  ])('lists sessions %j without reading those that are %s', async (states) => {
    const tenant = uuidv7();
    await addRunning(app, 2_000, { tenantId: tenant });
    await app.database.query(
      `UPDATE sessions SET status = 'cancelled', ended_at = now() WHERE tenant_id = $1`,
      [tenant],
    );
    const mine = await app.database.query<{ id: string }>(
      `UPDATE sessions SET status = $2, ended_at = CASE WHEN $2 <> 'running' THEN now() END
       WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM sessions WHERE tenant_id = $1 LIMIT 5) RETURNING id`,
      [tenant, states.at(-1)],
    );
    if (!states.includes('running')) await addRunning(app, 2_000, { tenantId: tenant });
    const sessions = new SessionService(database, outbox);
    const request = { tenantId: tenant, flowId: '', contactId: '', statuses: [], pageSize: 3, pageToken: '' };
    const seen: string[] = [];
    const rows = await rowsReadBy(database, 'sessions', async () => {
      for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
        const { page, next } = await sessions.list({ ...request, pageToken }, states);
        seen.push(...page.map(({ id }) => id));
        pageToken = next === '' ? undefined : next;
      }
    });
    expect(seen).toEqual(
      mine
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
    expect(rows).toBeLessThan(100);
  });

  it('reads of a timeline the page that it gives, and every entry once', async () => {
    await addRunning(app, 1, { tenantId: uuidv7() });
    const [session] = await app.database.query<{ tenantId: string; id: string }>(
      'SELECT tenant_id AS "tenantId", id FROM sessions ORDER BY created_at DESC LIMIT 1',
    );
    const { tenantId: tenant, id } = session!;
    // Sprints of 1 to 10 entries.
    await app.database.query(
      `INSERT INTO session_sprints (tenant_id, session_id, first_entry, at, entries)
       SELECT $1, $2, 1 + sum(n % 10 + 1) OVER (ORDER BY n) - (n % 10 + 1), now(),
              (SELECT json_agg(json_build_object('type', 'node', 'nodeId', 'n', 'handle', '', 'detail', '{}'::json, 'warnings', '[]'::json))
               FROM generate_series(0, n % 10))
       FROM generate_series(0, 299) AS n`,
      [tenant, id],
    );
    const timeline = new Timeline(database, new SessionService(database, outbox));
    for (const limit of [1_000, 70, 7]) {
      const numbers: number[] = [];
      for (let last = 0; ; last = numbers.at(-1)!) {
        const { entries } = await timeline.read(tenant, id, last, limit);
        numbers.push(...entries.map(({ number }) => number));
        if (entries.length < limit) break;
      }
      expect(numbers).toEqual(Array.from({ length: 1_650 }, (_, n) => n + 1));
    }
    expect((await timeline.read(tenant, id, 2_147_483_647, 1_000)).entries).toEqual([]);
    const rows = await rowsReadBy(database, 'session_sprints', () => timeline.read(tenant, id, 1_500, 20));
    expect(rows).toBeLessThan(10);
  });
});

describe('by a plan of the first 160 sessions, at which Postgres has not looked,', () => {
  beforeAll(connect);
  afterAll(close);

  // At that size some indexes have two levels and others one.
  it.each([...lookUps, ['the session before a new one', startLate] as const])(
    'finds %s',
    async (_what, work) => {
      await app.database.query('TRUNCATE sessions CASCADE');
      await addRunning(app, 160, { tenantId });
      await work();
      await addRunning(app, 5_000, { tenantId });
      expect(await rowsReadBy(database, 'sessions', work)).toBeLessThan(100);
    },
  );
});
