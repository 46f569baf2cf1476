import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StartResult } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { eventually, EventProbe, POSTGRES_URL } from '@parley/testing';
import pg from 'pg';
import { drained, SOUND, unsound } from './testing/session-checks.ts';
import { newStart, SessionApp } from './testing/session-app.ts';

/** Two contacts, in the order in which starts lock them. */
const [FIRST, SECOND] = [
  '0190b0a0-0000-7000-8000-000000000001',
  '0190b0a0-0000-7000-8000-000000000002',
] as const;

let app: SessionApp;
const clients: pg.Client[] = [];
const probes: EventProbe[] = [];

beforeEach(async () => {
  app = await SessionApp.create();
  await app.addReplica();
  await app.addReplica();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await Promise.all(probes.splice(0).map((probe) => probe.close()));
  await app.close();
});

/** A transaction that somebody opened and forgot, with a transaction id and, if it reads, a snapshot of its own. */
async function openTransaction(url: string, ...statements: string[]): Promise<pg.Client> {
  const client = new pg.Client(url);
  clients.push(client);
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT pg_current_xact_id()');
  for (const statement of statements) await client.query(statement);
  return client;
}

const open = async (tenantId: string): Promise<EventProbe> => {
  const probe = await EventProbe.open('PARLEY_SESSION', tenantId);
  probes.push(probe);
  return probe;
};
const running = (id: string) =>
  app.database.query(`SELECT 1 FROM sessions WHERE id = $1 AND status = 'running'`, [id]);

describe('a transaction that stays open', () => {
  it.each([
    [
      'in the database of sessions, having read them',
      () => app.database.url,
      ['SELECT count(*) FROM sessions', 'SELECT count(*) FROM outbox'],
    ],
    [
      'in another database of the server',
      () => process.env[POSTGRES_URL]!,
      ['CREATE TEMPORARY TABLE notes (text text)', "INSERT INTO notes VALUES ('x')"],
    ],
  ])('%s holds up neither sweeps nor events (P5, P6, fault 21)', async (_name, url, statements) => {
    const [expiring, cancelled] = [newStart(app), newStart(app)];
    const early = await app.start(expiring);
    await openTransaction(url(), ...statements);

    const started = await app.start(cancelled, app.clients[1]);
    await call(app.client, app.client.cancelSession, { tenantId: cancelled.tenantId, id: started.sessionId });
    await app.database.query('UPDATE sessions SET expires_at = created_at WHERE id = $1', [early.sessionId]);
    const [first, second] = [await open(expiring.tenantId), await open(cancelled.tenantId)];
    await eventually(async () => expect(await running(early.sessionId)).toEqual([]), 2_000);
    await first.waitFor('session.expired');
    await second.waitFor('session.cancelled');
    await drained(app.database, 2_000);
    expect(await unsound(app.database)).toEqual(SOUND);
  });

  it('with a lock on a session that is due holds up that session alone (P5, fault 21)', async () => {
    const [locked, free] = [newStart(app), newStart(app)];
    const [{ sessionId: lockedId }, { sessionId: freeId }] = [await app.start(locked), await app.start(free)];
    await app.database.query('UPDATE sessions SET expires_at = created_at + interval $$200 ms$$');
    const holder = await openTransaction(
      app.database.url,
      `SELECT 1 FROM sessions WHERE id = '${lockedId}' FOR UPDATE`,
    );
    await eventually(async () => expect(await running(freeId)).toEqual([]), 2_500);
    expect(await running(lockedId)).toHaveLength(1);
    // Nobody reads it as running, and no other contact waits for it.
    const { session } = await call(app.client, app.client.getSession, {
      tenantId: locked.tenantId,
      id: lockedId,
    });
    expect(session!.endedAt).toEqual(session!.expiresAt);
    expect((await app.start(free)).result).toBe(StartResult.STARTED);

    await holder.query('ROLLBACK');
    await eventually(async () => expect(await running(lockedId)).toEqual([]), 2_000);
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });

  it('with a lock on a contact lets a start that waited for it begin after what it follows has ended (P1, I1, fault 21)', async () => {
    const base = newStart(app);
    const [held, other] = [
      { ...base, contactId: FIRST },
      { ...base, contactId: SECOND },
    ];
    const { sessionId: heldId } = await app.start(held);
    const { sessionId: otherId } = await app.start(other);
    const end = `UPDATE sessions SET status = 'cancelled', ended_at = clock_timestamp() WHERE id = '${heldId}'`;
    const holder = await openTransaction(app.database.url, end);
    const batch = app.startAll([held, other], app.clients[1]);
    await eventually(async () => {
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      expect(await app.database.query(waiting)).toHaveLength(1);
    });
    await call(app.client, app.client.cancelSession, { tenantId: base.tenantId, id: otherId });
    await holder.query('COMMIT');
    const { outcomes } = await batch;
    expect(outcomes.map(({ outcome }) => outcome?.$case === 'session' && outcome.value.result)).toEqual([
      StartResult.STARTED,
      StartResult.STARTED,
    ]);
    expect((await unsound(app.database)).overlaps).toEqual([]);
  });
});
