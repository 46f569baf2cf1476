import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ConflictPolicy, StartResult, type StartSessionRequest } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { effort, eventually, EventProbe, insertStatements, tell } from '@parley/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { drained, SOUND, unsound } from './testing/session-checks.ts';
import { insist, newStart, SessionApp } from './testing/session-app.ts';

/** Rounds of a race that run side by side, each with a contact of its own. */
const ABREAST = 25;

jest.setTimeout(effort(30_000, 900_000));

let app: SessionApp;
let probe: EventProbe;

beforeAll(async () => {
  app = await SessionApp.create();
  // Three replicas, and all of them sweep.
  for (let replica = 0; replica < 3; replica++) await app.addReplica();
  probe = await EventProbe.open('PARLEY_SESSION');
});
afterAll(async () => {
  await probe.close();
  await app.close();
});

/** One that may be asked for again when its answer is lost. */
const start = (request: StartSessionRequest, index: number) =>
  insist(() => app.start(request, replica(index))).then(({ answer }) => answer);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const replica = (index: number) => app.clients[index % app.clients.length]!;
/** As many starts of one flow, each for a contact of its own. */
const contacts = (count: number): StartSessionRequest[] => {
  const base = newStart(app);
  return Array.from({ length: count }, () => ({ ...base, contactId: uuidv7() }));
};
const inGroups = async (
  rounds: number,
  play: (request: StartSessionRequest, round: number) => Promise<void>,
) => {
  for (let begun = 0; begun < rounds; begun += ABREAST) {
    await Promise.all(
      contacts(Math.min(ABREAST, rounds - begun)).map((request, index) => play(request, begun + index)),
    );
  }
};

describe('200 callers at the same time over three replicas', () => {
  it('start one session; the other 199 are told its id, one by one and in batches (P1, fault 13)', async () => {
    for (let round = 0; round < effort(3, 100); round++) {
      const request = newStart(app);
      const single = Array.from({ length: 160 }, (_, index) =>
        insist(() => app.start(request, replica(index))),
      );
      const batches = Array.from({ length: 4 }, (_, index) =>
        insist(() => app.startAll(Array<StartSessionRequest>(10).fill(request), replica(index))),
      );
      const [singles, inBatches] = [await Promise.all(single), await Promise.all(batches)];
      const lost = [...singles, ...inBatches].some((one) => one.lost > 0);
      const answers = [
        ...singles.map(({ answer }) => answer),
        ...inBatches.flatMap(({ answer }) =>
          answer.outcomes.map(({ outcome }) => (outcome?.$case === 'session' ? outcome.value : undefined)),
        ),
      ];
      const started = answers.filter((answer) => answer?.result === StartResult.STARTED).length;
      // On a busy machine the answer that says so may be the lost one.
      expect(started).toBeGreaterThanOrEqual(lost ? 0 : 1);
      expect(started).toBeLessThanOrEqual(1);
      expect(answers.filter((answer) => answer?.result === StartResult.ALREADY_RUNNING)).toHaveLength(
        200 - started,
      );
      const ids = new Set(answers.map((answer) => answer!.sessionId));
      expect(ids.size).toBe(1);
      await drained(app.database);
      await eventually(() => expect(probe.of([...ids][0]!)).toHaveLength(1));
      expect(probe.events.filter((event) => event.tenantid === request.tenantId)).toHaveLength(1);
    }
    expect(await unsound(app.database)).toEqual(SOUND);
  });
});

describe('two batches that name the same contacts in opposite orders', () => {
  it('wait for each other, never in a circle: each is one statement (P1, fault 17)', async () => {
    const requests = contacts(9).toSorted((a, b) => (a.contactId < b.contactId ? -1 : 1));
    const middle = requests[4]!;
    const { sessionId } = await start(middle, 0);
    await insist(() =>
      call(app.client, app.client.cancelSession, { tenantId: middle.tenantId, id: sessionId }),
    );
    const statements = await insertStatements(app.database, 'sessions', async () => {
      // Each has come to the middle, one way or the other, before either goes on.
      const other = new pg.Client(app.database.url);
      await other.connect();
      await other.query('BEGIN');
      await other.query("UPDATE sessions SET status = 'running', ended_at = NULL WHERE id = $1", [sessionId]);
      const both = Promise.all([
        app.startAll(requests, replica(0)),
        app.startAll(requests.toReversed(), replica(1)),
      ]);
      await app.waitsFor('Lock', 2);
      await other.query('ROLLBACK');
      await other.end();
      await both;
    });
    // Of a circle one would have been run again.
    expect(statements).toBe(2);
    expect(await unsound(app.database)).toEqual(SOUND);
  });
});

// Completion by a reply or a timeout is in conversation-races.spec.ts.
describe('a start that meets the end of the running session', () => {
  it('by a cancel names the old one or starts a new one, and the old one ends once (P1, P6, fault 16)', async () => {
    let [named, anew] = [0, 0];
    await inGroups(effort(100, 1_000), async (request, round) => {
      const old = await start(request, round);
      const { tenantId } = request;
      const cancel = (at: number): Promise<unknown> => {
        const client = replica(at);
        const asked = insist(() => call(client, client.cancelSession, { tenantId, id: old.sessionId }));
        // The second of two, or one whose answer was lost, finds its work done.
        return asked.catch((error: unknown) =>
          expect(error).toMatchObject({ reason: 'SESSION_NOT_RUNNING' }),
        );
      };
      // At once; or one side up to 20 ms later, so that on any machine both win some.
      const later = (who: number): Promise<void> => pause(round % 3 === who ? round % 20 : 0);
      const [starts] = await Promise.all([
        later(1).then(() => Promise.all([start(request, round), start(request, round + 2)])),
        later(2).then(() => Promise.all([cancel(round), cancel(round + 1)])),
      ]);
      const [newId, ...others] = [
        ...new Set(starts.map((start) => start.sessionId).filter((id) => id !== old.sessionId)),
      ];
      expect(others).toEqual([]);
      if (newId === undefined) named += 1;
      else anew += 1;
      const expected = newId === undefined ? { cancelled: 1 } : { cancelled: 1, running: 1 };
      expect(await statuses(request)).toEqual(expected);
    });
    bothSides(named, anew);
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });

  it('by its time names the old one or starts a new one, and the old one ends once (P4, P5, P6, fault 16)', async () => {
    let [before, after] = [0, 0];
    await inGroups(effort(100, 1_000), async (request, round) => {
      const old = await start(request, round);
      const [due] = await app.database.query<{ expires_at: Date }>(
        `UPDATE sessions SET expires_at = date_trunc('milliseconds', clock_timestamp() + interval '120 ms') WHERE id = $1 RETURNING expires_at`,
        [old.sessionId],
      );
      // From before it is due until the slowest sweep, which comes four times a second and replica.
      await pause((round % ABREAST) * 12);
      const starts = await Promise.all([start(request, round), start(request, round + 1)]);
      for (const { result, sessionId, expiresAt } of starts) {
        if (sessionId !== old.sessionId) after += 1;
        else {
          before += 1;
          expect({ result, expiresAt }).toEqual({
            result: StartResult.ALREADY_RUNNING,
            expiresAt: due!.expires_at,
          });
        }
      }
      const again = await start(request, round + 2);
      if (starts.some((start) => start.sessionId !== old.sessionId))
        expect(again.sessionId).not.toBe(old.sessionId);
    });
    bothSides(before, after);
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });
});

describe('starts that restart what runs', () => {
  it('follow each other: each has its session, and each session ends before the next one begins (P1, P6, fault 16)', async () => {
    await inGroups(effort(50, 1_000), async (request, round) => {
      const restart = { ...request, conflictPolicy: ConflictPolicy.RESTART };
      const answers = await Promise.all(
        [0, 1, 2, 3].map((index) =>
          start({ ...(index === 0 ? request : restart), requestId: uuidv7() }, round + index),
        ),
      );
      const restarted = answers.slice(1);
      expect(restarted.map((answer) => answer.result)).toEqual(Array(3).fill(StartResult.STARTED));
      expect(new Set(restarted.map((answer) => answer.sessionId)).size).toBe(3);
      expect((await statuses(request))['running']).toBe(1);
    });
    await drained(app.database);
    expect(await unsound(app.database)).toEqual(SOUND);
  });
});

/** Of a thousand rounds some were won by the start and some by the end, or there was no race. */
function bothSides(one: number, other: number): void {
  tell('Race', { one, other });
  if (one + other >= 1_000) expect(Math.min(one, other)).toBeGreaterThan(0);
}

/** How many sessions the contact has, by status. */
async function statuses({ contactId }: StartSessionRequest): Promise<Record<string, number>> {
  const rows = await app.database.query<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM sessions WHERE contact_id = $1 GROUP BY status',
    [contactId],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}
