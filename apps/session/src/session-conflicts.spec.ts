import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { credentials } from '@grpc/grpc-js';
import { SessionServiceClient, SessionStatus, StartResult } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { effort, eventually } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { drained, SOUND, unsound } from './testing/session-checks.ts';
import { newStart, SessionApp } from './testing/session-app.ts';

/** What Postgres says of a transaction that lost to another: serialisation, deadlock, lock not available. */
const CONFLICTS = ['40001', '40P01', '55P03'];
/** Runs of one transaction: the first and its repeats. */
const RUNS = 4;
/** Calls of one RPC: the first and those of the client's retry policy. */
const CALLS = 3;
/** Where a transaction of a start meets the conflict. */
const POINTS: [string, string][] = [
  ['at its first row', 'BEFORE INSERT ON sessions'],
  ['at its event', 'BEFORE INSERT ON outbox'],
];

jest.setTimeout(effort(30_000, 900_000));

let app: SessionApp;
const clients: SessionServiceClient[] = [];

beforeEach(async () => {
  app = await SessionApp.create();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await app.close();
});

/** A replica that does not sweep, and a client of it that repeats nothing by itself. */
async function replicaAlone(): Promise<SessionServiceClient> {
  const { address } = await app.addReplica({ EXPIRER: 'false' });
  const client = new SessionServiceClient(address, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
  });
  clients.push(client);
  return client;
}
const cancel = (tenantId: string, id: string) =>
  call(app.client, app.client.cancelSession, { tenantId, id }).then(({ session }) => session!.status);
const rows = async (): Promise<unknown[]> => [
  ...(await app.database.query('SELECT id FROM sessions')),
  ...(await app.database.query('SELECT id FROM outbox')),
];

describe.each(CONFLICTS)('a transaction that fails with %s', (state) => {
  it.each(POINTS)(
    '%s is run again until it works, and its caller sees one start (P1, P2, fault 17)',
    async (_name, point) => {
      const client = await replicaAlone();
      const runs = await failFirst(RUNS - 1, state, point);
      const request = newStart(app);
      const started = await app.start(request, client);
      expect(started.result).toBe(StartResult.STARTED);
      expect(await runs()).toBe(RUNS);
      expect(await app.start(request)).toMatchObject({ sessionId: started.sessionId });
      expect(await unsound(app.database)).toEqual(SOUND);
    },
  );

  it('only at its commit is run again, too (P1, P2, fault 17)', async () => {
    const client = await replicaAlone();
    const runs = await failFirst(RUNS - 1, state, 'commit');
    expect((await app.start(newStart(app), client)).result).toBe(StartResult.STARTED);
    expect(await runs()).toBe(RUNS);
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });

  it('again and again ends as UNAVAILABLE after a bounded number of runs, and writes nothing (P2, P10, fault 17)', async () => {
    await app.addReplica({ EXPIRER: 'false' });
    const runs = await failFirst(1_000, state, 'BEFORE INSERT ON outbox');
    const begun = Date.now();
    await expect(app.start(newStart(app))).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'UNAVAILABLE',
    });
    expect(Date.now() - begun).toBeLessThan(2_500);
    expect(await rows()).toEqual([]);
    expect(await runs()).toBeLessThanOrEqual(RUNS * CALLS);
  });

  it('in a batch starts all of it once (P1, fault 17)', async () => {
    const client = await replicaAlone();
    await failFirst(RUNS - 1, state, 'commit');
    const base = newStart(app);
    const contacts = Array.from({ length: 20 }, () => ({ ...base, contactId: uuidv7() }));
    const { outcomes } = await app.startAll(contacts, client);
    expect(outcomes.map(({ outcome }) => outcome?.$case === 'session' && outcome.value.result)).toEqual(
      Array(20).fill(StartResult.STARTED),
    );
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });

  it('while it cancels or expires a session ends it once (P5, P6, fault 17)', async () => {
    await app.addReplica({ EXPIRER: 'false' });
    const [cancelled, due] = [newStart(app), newStart(app)];
    const { sessionId } = await app.start(cancelled);
    const { sessionId: dueId } = await app.start(due);
    const runs = await failFirst(RUNS - 1, state, 'BEFORE UPDATE ON sessions');
    expect(await cancel(cancelled.tenantId, sessionId)).toBe(SessionStatus.CANCELLED);
    expect(await runs()).toBe(RUNS);

    // More than one sweep can take: the next ones go on.
    const sweeps = await failFirst(RUNS + 1, state, 'BEFORE UPDATE ON sessions');
    await app.addReplica();
    await app.database.query(`UPDATE sessions SET expires_at = created_at WHERE id = $1`, [dueId]);
    await eventually(async () => {
      expect(await app.database.query(`SELECT 1 FROM sessions WHERE status = 'expired'`)).toHaveLength(1);
    });
    expect(await sweeps()).toBeGreaterThan(RUNS + 1);
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });
});

/**
 * Makes the first transactions that come to a point fail with an SQLSTATE. `point`: a statement trigger's, or commit.
 * Gives how often the point was come to: a sequence counts, which a rollback leaves alone.
 */
async function failFirst(times: number, state: string, point: string): Promise<() => Promise<number>> {
  const atCommit = point === 'commit';
  await app.database.query(`
    DROP SEQUENCE IF EXISTS fault_runs CASCADE;
    DROP TRIGGER IF EXISTS fault ON sessions;
    DROP TRIGGER IF EXISTS fault ON outbox;
    CREATE SEQUENCE fault_runs;
    CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $fault$
    BEGIN
      -- The service's transactions, each once; not the test's own.
      IF current_setting('application_name') = 'session' AND current_setting('fault.counted', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        PERFORM set_config('fault.counted', pg_current_xact_id()::text, true);
        IF nextval('fault_runs') <= ${times} THEN
          RAISE EXCEPTION 'made to fail' USING ERRCODE = '${state}';
        END IF;
      END IF;
      RETURN NULL;
    END $fault$;
    CREATE ${atCommit ? 'CONSTRAINT' : ''} TRIGGER fault
      ${atCommit ? 'AFTER INSERT ON sessions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW' : `${point} FOR EACH STATEMENT`}
      EXECUTE FUNCTION fault();`);
  return async () => {
    const [row] = await app.database.query<{ runs: number }>(
      'SELECT last_value::int AS runs FROM fault_runs',
    );
    return row!.runs;
  };
}
