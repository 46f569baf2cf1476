import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { StartResult, type StartSessionRequest, type StartSessionResponse } from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { call, fromRpcStatus } from '@parley/grpc';
import { effort, eventually, EventProbe } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { drained, SOUND, unsound } from './testing/session-checks.ts';
import { insist, newStart, SessionApp } from './testing/session-app.ts';

jest.setTimeout(effort(30_000, 900_000));

let app: SessionApp;
let probe: EventProbe;

beforeAll(async () => {
  app = await SessionApp.create();
  for (let replica = 0; replica < 3; replica++) await app.addReplica();
  probe = await EventProbe.open('PARLEY_SESSION');
});
afterAll(async () => {
  await probe.close();
  await app.close();
});

const replica = (index: number) => app.clients[index % app.clients.length]!;
/** A start that may be repeated. */
const repeatable = (change: Partial<StartSessionRequest> = {}) =>
  newStart(app, { requestId: uuidv7(), ...change });
const sessionsOf = ({ tenantId }: StartSessionRequest) =>
  app.database.query('SELECT id FROM sessions WHERE tenant_id = $1', [tenantId]);
const end = (request: StartSessionRequest, id: string) =>
  call(app.client, app.client.cancelSession, { tenantId: request.tenantId, id });
/** An answer without what may differ between the first one and its repeats. */
const lasting = (answer: StartSessionResponse) => ({ ...answer, replayed: false });

describe('200 callers at the same time with one request id', () => {
  it('get one answer, from one session and one event; one of them is the first (P1, P9, fault 14)', async () => {
    for (let round = 0; round < effort(3, 100); round++) {
      const request = repeatable();
      const results = await Promise.all(
        Array.from({ length: 200 }, (_, index) => insist(() => app.start(request, replica(index)))),
      );
      const answers = results.map(({ answer }) => answer);
      const firsts = answers.filter((answer) => !answer.replayed).length;
      // On a busy machine the first answer may be a lost one.
      expect(firsts).toBeGreaterThanOrEqual(results.some(({ lost }) => lost > 0) ? 0 : 1);
      expect(firsts).toBeLessThanOrEqual(1);
      expect(new Set(answers.map((answer) => JSON.stringify(lasting(answer)))).size).toBe(1);
      expect(answers[0]!.result).toBe(StartResult.STARTED);
      expect(await sessionsOf(request)).toEqual([{ id: answers[0]!.sessionId }]);
      await drained(app.database);
      await eventually(() => expect(probe.of(answers[0]!.sessionId)).toHaveLength(1));
    }
    expect(await unsound(app.database)).toEqual(SOUND);
  });

  it('and two bodies start one session; those with the other body are refused (P9, fault 14)', async () => {
    for (let round = 0; round < effort(5, 200); round++) {
      const bodies = [repeatable(), repeatable()] as const;
      const other = { ...bodies[0], contactId: bodies[1].contactId, context: '{"other":true}' };
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          insist(() => app.start(index % 2 === 0 ? bodies[0] : other, replica(index))).then(
            ({ answer }) => ({ body: index % 2, id: answer.sessionId }),
            (error: unknown) =>
              error instanceof DomainError
                ? { body: index % 2, id: error.reason }
                : Promise.reject(error as Error),
          ),
        ),
      );
      const [row, ...more] = (await sessionsOf(bodies[0])) as { id: string }[];
      expect(more).toEqual([]);
      const winner = results.find(({ id }) => id === row!.id)!.body;
      for (const { body, id } of results) expect(id).toBe(body === winner ? row!.id : 'REQUEST_ID_REUSED');
    }
    expect(await unsound(app.database)).toEqual(SOUND);
  });
});

describe('a request id', () => {
  it('gives the first answer again after its session has ended, whether cancelled or by its time (P9, fault 14)', async () => {
    const [cancelled, expired] = [repeatable(), repeatable()];
    for (const request of [cancelled, expired]) {
      const first = await app.start(request);
      if (request === cancelled) await end(request, first.sessionId);
      else {
        await app.database.query('UPDATE sessions SET expires_at = created_at WHERE id = $1', [
          first.sessionId,
        ]);
        await eventually(async () => {
          expect(
            await app.database.query(`SELECT 1 FROM sessions WHERE id = $1 AND status = 'expired'`, [
              first.sessionId,
            ]),
          ).toHaveLength(1);
        });
      }
      expect(await app.start(request, replica(1))).toMatchObject({
        result: StartResult.STARTED,
        sessionId: first.sessionId,
        replayed: true,
      });
      expect(await sessionsOf(request)).toHaveLength(1);
      // Without it, or with another one, it is a start like any other.
      const anew = await app.start({ ...request, requestId: uuidv7() });
      expect(anew).toMatchObject({ result: StartResult.STARTED, replayed: false });
      expect(anew.sessionId).not.toBe(first.sessionId);
      expect((await app.start(request)).sessionId).toBe(first.sessionId);
    }
  });

  it('holds for a caller that resolved another contact the second time, if its fingerprint is the same (P9, fault 14)', async () => {
    const request = repeatable({ requestFingerprint: Buffer.from('the same request of my caller') });
    const first = await app.start(request);
    const again = await app.start({ ...request, contactId: uuidv7() });
    expect(again).toMatchObject({ sessionId: first.sessionId, contactId: request.contactId, replayed: true });
    await expect(app.start({ ...request, requestFingerprint: Buffer.from('another') })).rejects.toMatchObject(
      {
        reason: 'REQUEST_ID_REUSED',
      },
    );
    const { outcomes } = await app.startAll([
      { ...request, requestFingerprint: Buffer.from('another') },
      request,
    ]);
    expect(
      outcomes.map(({ outcome }) =>
        outcome?.$case === 'error' ? fromRpcStatus(outcome.value).reason : outcome?.value.sessionId,
      ),
    ).toEqual(['REQUEST_ID_REUSED', first.sessionId]);
  });
});
