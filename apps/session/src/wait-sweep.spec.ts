import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Database } from '@parley/postgres';
import { Logger, WorkingTime } from '@parley/service';
import { eventually, rowsReadBy } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { addRunning } from './testing/running-sessions.ts';
import { newStart, SessionApp } from './testing/session-app.ts';
import { tiringFlow } from './testing/tiring-flow.ts';
import type { SessionRunner } from './session-runner.ts';
import { WaitSweep } from './wait-sweep.ts';
import { findDueWaits } from './waiting-sessions.ts';

let app: SessionApp;
beforeEach(async () => {
  app = await SessionApp.create();
});
afterEach(() => app.close());

/** A session whose delay is over, and whose flow is over with it. */
async function startDue(): Promise<string> {
  await app.addReplica({ EXPIRER: 'false' });
  const { sessionId } = await app.start(newStart(app));
  await app.database.query(`UPDATE sessions SET wait_until = now() - interval '1 second' WHERE id = $1`, [
    sessionId,
  ]);
  return sessionId;
}

async function statusOf(id: string): Promise<string | undefined> {
  const [row] = await app.database.query<{ status: string }>('SELECT status FROM sessions WHERE id = $1', [
    id,
  ]);
  return row?.status;
}

it('runs a session on behind hundreds whose version cannot be had (P5)', async () => {
  const id = await startDue();
  await addRunning(app, 500, { tenantId: uuidv7(), waitKind: 'delay', waits: '-1 minute' });
  await app.addReplica();
  await eventually(async () => expect(await statusOf(id)).toBe('completed'));
});

it('runs a session on behind one that fails whenever it is tried (P5)', async () => {
  const id = await startDue();
  const broken = await app.start(newStart(app));
  // Its next event has no number.
  await app.database.query(
    `UPDATE sessions SET wait_until = now() - interval '1 minute', sequence = 2147483647 WHERE id = $1`,
    [broken.sessionId],
  );
  await app.addReplica();
  await eventually(async () => expect(await statusOf(id)).toBe('completed'));
  expect(await statusOf(broken.sessionId)).toBe('running');
});

it('runs a session on beside many of a tenant whose flow takes long, and those as well (P5)', async () => {
  const id = await startDue();
  const { definition, context } = tiringFlow(true);
  const tiring = newStart(app, { context });
  app.flowCatalog.publish(tiring.tenantId, tiring.flowId, { definition });
  const { outcomes } = await app.startAll(
    Array.from({ length: 60 }, () => ({ ...tiring, contactId: uuidv7() })),
  );
  expect(outcomes).toHaveLength(60);
  // All of them before the one.
  await app.database.query(
    "UPDATE sessions SET wait_until = now() - interval '1 minute' WHERE tenant_id = $1",
    [tiring.tenantId],
  );
  await app.addReplica();
  const ran = async (): Promise<number> => {
    const rows = await app.database.query(
      "SELECT FROM sessions WHERE tenant_id = $1 AND current_node_id = 'end'",
      [tiring.tenantId],
    );
    return rows.length;
  };
  await eventually(async () => expect(await statusOf(id)).toBe('completed'));
  expect(await ran()).toBeLessThan(60);
  await eventually(async () => expect(await ran()).toBe(60), 40_000);
}, 60_000);

it('goes through those that are due from where it was, without reading what is before or far behind', async () => {
  await addRunning(app, 5_000, { tenantId: uuidv7(), waits: '-1 minute' });
  await app.database.query("UPDATE sessions SET wait_until = wait_until - random() * interval '1 hour'");
  const database = await Database.connect({ url: app.database.url, name: 'session', poolSize: 1 });
  const seen = new Set<string>();
  let after = (await findDueWaits(database, 1))[0];
  seen.add(after!.id);
  for (let page = 0; page < 3; page++) {
    const rows = await rowsReadBy(database, 'sessions', async () => {
      const due = await findDueWaits(database, 100, after);
      expect(due).toHaveLength(100);
      for (const { id } of due) seen.add(id);
      after = due.at(-1);
    });
    expect(rows).toBeLessThan(400);
  }
  expect(seen.size).toBe(301);
  await database.close();
});

it('goes on with the next of thousands after a batch that failed, while some are passed over', async () => {
  await addRunning(app, 2_100, { tenantId: uuidv7(), waits: '-1 minute' });
  await app.database.query("UPDATE sessions SET wait_until = wait_until - random() * interval '1 hour'");
  const database = await Database.connect({ url: app.database.url, name: 'session', poolSize: 1 });
  const [lacking, ...others] = await findDueWaits(database, 2_100);
  const handed: string[] = [];
  let calls = 0;
  const runOn: SessionRunner['runOn'] = (due) => {
    calls += 1;
    if (calls === 2) return Promise.reject(new Error('too much'));
    if (calls === 1)
      return Promise.resolve({ lacking: due.filter(({ id }) => id === lacking!.id), left: [] });
    handed.push(...due.map(({ id }) => id));
    return Promise.resolve({ lacking: [], left: [] });
  };
  const logger = new Logger('session', 'silent');
  const sweep = new WaitSweep(database, { runOn } as unknown as SessionRunner, new WorkingTime(), logger);
  sweep.start();
  await eventually(() => expect(handed.length).toBeGreaterThan(1_000));
  await sweep.stop();
  await database.close();
  // The first call had two hundred of them, one of which was lacking.
  expect(handed).toEqual(others.slice(199, 199 + handed.length).map(({ id }) => id));
});
