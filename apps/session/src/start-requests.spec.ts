import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Status } from '@parley/contracts/rpc';
import {
  ConflictPolicy,
  StartResult,
  type StartSessionRequest,
  type StartSessionResponse,
} from '@parley/contracts/session';
import { call, fromRpcStatus } from '@parley/grpc';
import { eventually } from '@parley/testing';
import pg from 'pg';
import { newStart, SessionApp } from './testing/session-app.ts';

let app: SessionApp;

beforeAll(async () => {
  app = await SessionApp.create();
  for (let replica = 1; replica <= 3; replica++) await app.addReplica();
});
afterAll(() => app.close());

const fingerprint = (text: string): Buffer => Buffer.from(text);
const keyed = (change: Partial<StartSessionRequest> = {}): StartSessionRequest =>
  newStart(app, { requestId: 'key 1', requestFingerprint: fingerprint('body'), ...change });
const cancel = ({ tenantId }: StartSessionRequest, id: string) =>
  call(app.client, app.client.cancelSession, { tenantId, id });
const eventsOf = ({ tenantId }: StartSessionRequest) =>
  app.database.query<{ type: string; subject: string }>(
    'SELECT type, subject FROM outbox_events WHERE tenant_id = $1 ORDER BY position, sequence',
    [tenantId],
  );
const getStarts = async (...requests: StartSessionRequest[]) => {
  const { outcomes } = await call(app.client, app.client.batchGetStarts, { requests });
  return outcomes.map(({ outcome }) =>
    outcome?.$case === 'error' ? fromRpcStatus(outcome.value).reason : outcome!.value.sessionId,
  );
};

describe('a batch of starts with and without request ids', () => {
  it('keeps their order where two are of the same flow and contact', async () => {
    const plain = newStart(app);
    const [first, second, trial] = [newStart(app), newStart(app), newStart(app)];
    const { outcomes } = await app.startAll([
      keyed(first),
      { ...first, requestId: '' },
      second,
      keyed({ ...second, requestId: 'key 2' }),
      { ...trial, validateOnly: true },
      trial,
      plain,
    ]);
    const results = outcomes.map(({ outcome }) => (outcome as { value: StartSessionResponse }).value.result);
    const { STARTED, ALREADY_RUNNING } = StartResult;
    expect(results).toEqual([STARTED, ALREADY_RUNNING, STARTED, ALREADY_RUNNING, STARTED, STARTED, STARTED]);
  });

  it('tells each what became of it, though a neighbour cannot be answered in time', async () => {
    const stuck = keyed();
    const plain = newStart(app, { tenantId: stuck.tenantId });
    // A twin that is under way, and stays so.
    const twin = new pg.Client(app.database.url);
    await twin.connect();
    await twin.query('BEGIN');
    await twin.query(
      `INSERT INTO start_requests (tenant_id, request_id, fingerprint, session_id, result, created_at)
       VALUES ($1, $2, '', $1, 'started', clock_timestamp())`,
      [stuck.tenantId, stuck.requestId],
    );
    const { outcomes } = await app.startAll([stuck, plain]).finally(() => twin.end());
    expect(outcomes.map(({ outcome }) => outcome!.$case)).toEqual(['error', 'session']);
    expect(fromRpcStatus((outcomes[0]!.outcome as { value: Status }).value)).toMatchObject({
      kind: 'unavailable',
    });
    expect((await eventsOf(stuck)).map(({ type }) => type)).toEqual(['session.started']);
  });
});

describe('a start with a request id', () => {
  it('is answered the same again, also after its session ended, and starts nothing twice (P9)', async () => {
    const request = keyed();
    const first = await app.start(request);
    expect(first).toMatchObject({ result: StartResult.STARTED, replayed: false });
    expect(await app.start(request)).toEqual({ ...first, replayed: true });
    await cancel(request, first.sessionId);
    expect(await app.start(request)).toEqual({ ...first, replayed: true });
    expect((await eventsOf(request)).map(({ type }) => type)).toEqual([
      'session.started',
      'session.cancelled',
    ]);
  });

  it('that found a session running is answered so again, also when that one has ended (P9)', async () => {
    const request = keyed();
    const running = await app.start({ ...request, requestId: '' });
    const first = await app.start(request);
    expect(first).toMatchObject({ result: StartResult.ALREADY_RUNNING, sessionId: running.sessionId });
    await cancel(request, running.sessionId);
    expect(await app.start(request)).toEqual({ ...first, replayed: true });
  });

  it('is refused when it came with another fingerprint, and changes nothing (P9)', async () => {
    const request = keyed();
    await app.start(request);
    const other = { ...request, requestFingerprint: fingerprint('another body') };
    await expect(app.start(other)).rejects.toMatchObject({
      kind: 'failed_precondition',
      reason: 'REQUEST_ID_REUSED',
    });
    expect(await eventsOf(request)).toHaveLength(1);
  });

  it('is told apart by what it asks for where no fingerprint is given', async () => {
    const request = keyed({ requestFingerprint: Buffer.alloc(0) });
    await app.start(request);
    expect(await app.start({ ...request, flowVersion: 1 })).toMatchObject({ replayed: true });
    for (const other of [
      { context: '{"cart_id":"1"}' },
      { contactId: newStart(app).contactId },
      { conflictPolicy: ConflictPolicy.RESTART },
    ])
      await expect(app.start({ ...request, ...other })).rejects.toMatchObject({
        reason: 'REQUEST_ID_REUSED',
      });
  });

  it('belongs to its tenant (P8)', async () => {
    const [mine, theirs] = [keyed(), keyed()];
    const first = await app.start(mine);
    const second = await app.start(theirs);
    expect(second).toMatchObject({ result: StartResult.STARTED, replayed: false });
    expect(second.sessionId).not.toBe(first.sessionId);
  });

  it('is forgotten after 24 hours, and its row is deleted', async () => {
    const request = keyed();
    const first = await app.start(request);
    await cancel(request, first.sessionId);
    await app.database.query(
      `UPDATE start_requests SET created_at = created_at - interval '24 hours' WHERE tenant_id = $1`,
      [request.tenantId],
    );
    expect(await getStarts(request)).toEqual(['REQUEST_ID_UNKNOWN']);
    const again = await app.start({ ...request, requestFingerprint: fingerprint('another body') });
    expect(again).toMatchObject({ result: StartResult.STARTED, replayed: false });
    expect(again.sessionId).not.toBe(first.sessionId);

    await app.database.query(
      `UPDATE start_requests SET created_at = created_at - interval '24 hours' WHERE tenant_id = $1`,
      [request.tenantId],
    );
    // A replica looks for them when it starts.
    await app.addReplica();
    await eventually(async () => {
      const rows = await app.database.query('SELECT 1 FROM start_requests WHERE tenant_id = $1', [
        request.tenantId,
      ]);
      expect(rows).toEqual([]);
    });
  });

  it('that is refused leaves the request id free (P3)', async () => {
    const request = keyed({ conflictPolicy: ConflictPolicy.FAIL });
    const { sessionId } = await app.start({ ...request, requestId: '' });
    await expect(app.start(request)).rejects.toMatchObject({ reason: 'SESSION_ALREADY_RUNNING' });
    await cancel(request, sessionId);
    expect(await app.start({ ...request, requestFingerprint: fingerprint('another body') })).toMatchObject({
      result: StartResult.STARTED,
    });
  });

  it('has twins: 200 at once over three replicas get one answer and start one session (P9, P1)', async () => {
    const request = keyed();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => app.start(request, app.clients[index % 3])),
    );
    expect(new Set(answers.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(new Set(answers.map(({ result }) => result))).toEqual(new Set([StartResult.STARTED]));
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await eventsOf(request)).toHaveLength(1);
  });

  it('has twins in one batch, each with its own outcome (P9)', async () => {
    const request = keyed();
    const other = { ...request, requestFingerprint: fingerprint('another body') };
    const stranger = { ...request, requestId: '', contactId: newStart(app).contactId };
    const outcomesOf = async () => {
      const { outcomes } = await app.startAll([request, other, request, stranger]);
      return outcomes.map(({ outcome }) =>
        outcome?.$case === 'error'
          ? fromRpcStatus(outcome.value).reason
          : [outcome!.value.result, outcome!.value.replayed],
      );
    };
    const { STARTED, ALREADY_RUNNING } = StartResult;
    expect(await outcomesOf()).toEqual([
      [STARTED, false],
      'REQUEST_ID_REUSED',
      [STARTED, true],
      [STARTED, false],
    ]);
    expect(await outcomesOf()).toEqual([
      [STARTED, true],
      'REQUEST_ID_REUSED',
      [STARTED, true],
      [ALREADY_RUNNING, false],
    ]);
  });

  it('can be looked up without starting anything', async () => {
    const request = keyed();
    expect(await getStarts(request)).toEqual(['REQUEST_ID_UNKNOWN']);
    const { sessionId } = await app.start(request);
    const other = { ...request, requestFingerprint: fingerprint('another body') };
    expect(await getStarts(request, other, { ...request, requestId: '' })).toEqual([
      sessionId,
      'REQUEST_ID_REUSED',
      'INVALID_FIELD',
    ]);
  });

  it.each([
    ['a line break', 'a\nb'],
    ['a letter beyond ASCII', 'clé'],
    ['256 characters', 'x'.repeat(256)],
  ])('is refused with %s in the id', async (_, requestId) => {
    await expect(app.start(keyed({ requestId }))).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [{ field: 'request_id' }],
    });
  });
});

describe('a start that meets a running session', () => {
  it('fails when its policy says so, and names the session', async () => {
    const request = newStart(app, { conflictPolicy: ConflictPolicy.FAIL });
    const { sessionId } = await app.start(request);
    await expect(app.start(request)).rejects.toMatchObject({
      kind: 'already_exists',
      reason: 'SESSION_ALREADY_RUNNING',
      metadata: { session_id: sessionId },
    });
    expect(await eventsOf(request)).toHaveLength(1);
  });

  it('cancels it and starts anew when its policy says so, with both events in order', async () => {
    const request = newStart(app, { conflictPolicy: ConflictPolicy.RESTART });
    const first = await app.start(request);
    const second = await app.start(request);
    expect(second.result).toBe(StartResult.STARTED);
    expect(await eventsOf(request)).toEqual([
      { type: 'session.started', subject: first.sessionId },
      { type: 'session.cancelled', subject: first.sessionId },
      { type: 'session.started', subject: second.sessionId },
    ]);
  });

  it('restarts one after the other in one batch; every session has a start and an end but the last (P6)', async () => {
    const request = newStart(app, { conflictPolicy: ConflictPolicy.RESTART });
    const { outcomes } = await app.startAll([request, request, request]);
    const ids = outcomes.map(({ outcome }) => (outcome?.$case === 'session' ? outcome.value.sessionId : ''));
    expect(new Set(ids).size).toBe(3);
    const running = await app.database.query<{ id: string }>(
      `SELECT id FROM sessions WHERE tenant_id = $1 AND status = 'running'`,
      [request.tenantId],
    );
    expect(running).toHaveLength(1);
    await eventually(async () => {
      const waiting = await app.database.query(
        'SELECT 1 FROM outbox WHERE tenant_id = $1 AND published_at IS NULL',
        [request.tenantId],
      );
      expect(waiting).toEqual([]);
    });
    const events = await eventsOf(request);
    for (const id of ids) {
      const types = events.filter(({ subject }) => subject === id).map(({ type }) => type);
      expect(types).toEqual(
        id === running[0]!.id ? ['session.started'] : ['session.started', 'session.cancelled'],
      );
    }
  });

  it('restarts one that is past its time as any start does: that one has expired (P4)', async () => {
    const request = newStart(app, { conflictPolicy: ConflictPolicy.RESTART });
    const first = await app.start(request);
    await app.setExpiry(first.sessionId, '-1 second');
    await app.start(request);
    await eventually(async () =>
      expect((await eventsOf(request)).map(({ type }) => type)).toEqual([
        'session.started',
        'session.expired',
        'session.started',
      ]),
    );
  });
});

describe('a start that is only to be validated', () => {
  it('says what would happen and writes nothing (P3)', async () => {
    const trial = keyed({ validateOnly: true });
    expect(await app.start(trial)).toMatchObject({
      result: StartResult.STARTED,
      sessionId: '',
      expiresAt: undefined,
      flowName: 'Abandoned cart 30min',
    });
    expect(await eventsOf(trial)).toEqual([]);
    expect(await getStarts(trial)).toEqual(['REQUEST_ID_UNKNOWN']);

    const { sessionId } = await app.start({ ...trial, validateOnly: false });
    expect(await app.start({ ...trial, requestId: 'key 2' })).toMatchObject({
      result: StartResult.ALREADY_RUNNING,
      sessionId,
    });
    await expect(app.start({ ...trial, conflictPolicy: ConflictPolicy.FAIL })).rejects.toMatchObject({
      reason: 'SESSION_ALREADY_RUNNING',
    });
    expect(await app.start({ ...trial, conflictPolicy: ConflictPolicy.RESTART })).toMatchObject({
      result: StartResult.STARTED,
      sessionId: '',
    });
    expect(await eventsOf(trial)).toHaveLength(1);
  });
});
