import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SessionStatus, StartResult, type StartSessionRequest } from '@parley/contracts/session';
import { call, fromRpcStatus } from '@parley/grpc';
import { eventually, EventProbe, freePort } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';

let app: SessionApp;

beforeAll(async () => {
  app = await SessionApp.create();
  // Two replicas, neither of which sweeps: what is expired here is expired by being read or met.
  await app.addReplica({ EXPIRER: 'false' });
  await app.addReplica({ EXPIRER: 'false' });
});
afterAll(() => app.close());

const get = (tenantId: string, id: string) =>
  call(app.client, app.client.getSession, { tenantId, id }).then((response) => response.session!);
const cancel = (tenantId: string, id: string) =>
  call(app.client, app.client.cancelSession, { tenantId, id }).then((response) => response.session!);
const list = (filter: {
  tenantId: string;
  flowId?: string;
  contactId?: string;
  statuses?: SessionStatus[];
  pageSize?: number;
  pageToken?: string;
}) =>
  call(app.client, app.client.listSessions, {
    flowId: '',
    contactId: '',
    statuses: [],
    pageSize: 0,
    pageToken: '',
    ...filter,
  });

/** What a start may say of its contact. */
const FACTS = { phone: '+14155550123', name: '', email: '', tags: [], metadata: '{}' };

describe('starting a session', () => {
  it('starts one that is read at once, with its expiry a TTL ahead (P2)', async () => {
    const request = newStart(app);
    app.flowCatalog.publish(request.tenantId, request.flowId, {
      version: 2,
      settings: { sessionTtlMinutes: 5, channel: '' },
    });
    const started = await app.start({ ...request, flowVersion: 2 });
    expect(started.result).toBe(StartResult.STARTED);

    const session = await get(request.tenantId, started.sessionId);
    expect(session).toMatchObject({
      id: started.sessionId,
      flowId: request.flowId,
      flowVersion: 2,
      flowName: 'Abandoned cart 30min',
      contactId: request.contactId,
      status: SessionStatus.RUNNING,
      context: request.context,
      currentNodeId: 'rest',
      endedAt: undefined,
    });
    expect(session.expiresAt!.getTime() - session.createdAt!.getTime()).toBe(5 * 60_000);
  });

  it('names the running session instead of starting another, and leaves its context (P1)', async () => {
    const request = newStart(app);
    const first = await app.start(request);
    const second = await app.start({ ...request, context: '{"other":1}' });
    expect(second).toMatchObject({ result: StartResult.ALREADY_RUNNING, sessionId: first.sessionId });
    expect((await get(request.tenantId, first.sessionId)).context).toBe(request.context);
  });

  it.each([
    '{}',
    '{"z":1,"a":2,"nested":{"deep":[1,2.5,-0.25,1e-7,null,true,{"x":[]}]},"ünï":"🦜 \\"quoted\\" \\\\"}',
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":"x"}',
  ])('gives the context %s back exactly as it was sent', async (context) => {
    const request = newStart(app, { context });
    const { sessionId } = await app.start(request);
    expect((await get(request.tenantId, sessionId)).context).toBe(context);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('starts once when 200 callers trigger it at the same time over two replicas (P1)', async () => {
    const request = newStart(app);
    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    const starts = await Promise.all(
      Array.from({ length: 200 }, (_, index) => app.start(request, app.clients[index % 2])),
    );
    expect(starts.filter((start) => start.result === StartResult.STARTED)).toHaveLength(1);
    expect(starts.filter((start) => start.result === StartResult.ALREADY_RUNNING)).toHaveLength(199);
    expect(new Set(starts.map((start) => start.sessionId)).size).toBe(1);
    expect(
      await app.database.query('SELECT 1 FROM sessions WHERE tenant_id = $1', [request.tenantId]),
    ).toHaveLength(1);

    await probe.waitFor('session.started');
    await outboxIsEmpty(request.tenantId);
    expect(probe.events).toHaveLength(1);
    await probe.close();
  });

  it('lets concurrent batches with the same contacts in opposite orders all through (P1)', async () => {
    const base = newStart(app);
    const requests = Array.from({ length: 40 }, () => ({ ...base, contactId: uuidv7() }));
    for (let round = 0; round < 5; round++) {
      await app.database.query(
        'UPDATE sessions SET expires_at = created_at WHERE tenant_id = $1 AND status = $2',
        [base.tenantId, 'running'],
      );
      const batches = await Promise.all(
        [requests, requests.toReversed(), requests.toSorted(), requests.toReversed()].map((batch, index) =>
          app.startAll(batch, app.clients[index % 2]),
        ),
      );
      const outcomes = batches.flatMap((batch) => batch.outcomes.map((item) => item.outcome!));
      expect(outcomes.map((outcome) => outcome.$case)).toEqual(Array<string>(160).fill('session'));
      const started = outcomes.filter(
        (outcome) => outcome.$case === 'session' && outcome.value.result === StartResult.STARTED,
      );
      expect(started).toHaveLength(40);
    }
  });
});

describe('a batch', () => {
  it('gives each item its own outcome, in order, and one bad item leaves its neighbours alone', async () => {
    const good = newStart(app);
    const noEntry = newStart(app);
    app.flowCatalog.publish(noEntry.tenantId, noEntry.flowId, {
      definition: '{"nodes":[],"edges":[]}',
      entryNodeId: '',
    });
    const requests: StartSessionRequest[] = [
      good,
      { ...good, contactId: 'nonsense' },
      { ...good, flowVersion: 9 },
      noEntry,
      { ...good, context: '[]' },
      good,
      newStart(app),
    ];
    const { outcomes } = await app.startAll(requests);
    expect(
      outcomes.map(({ outcome }) =>
        outcome?.$case === 'session' ? outcome.value.result : fromRpcStatus(outcome!.value).reason,
      ),
    ).toEqual([
      StartResult.STARTED,
      'INVALID_FIELD',
      'FLOW_VERSION_NOT_FOUND',
      'FLOW_HAS_NO_ENTRY_NODE',
      'INVALID_FIELD',
      StartResult.ALREADY_RUNNING,
      StartResult.STARTED,
    ]);
    expect(
      await app.database.query('SELECT 1 FROM sessions WHERE tenant_id IN ($1, $2)', [
        good.tenantId,
        noEntry.tenantId,
      ]),
    ).toHaveLength(1);
  });

  it.each([
    ['tenantId', 'x', 'tenant_id'],
    ['flowId', '', 'flow_id'],
    ['contactId', '0190b0a0-0000-7000-8000-00000000000', 'contact_id'],
    ['flowVersion', 0, 'flow_version'],
    ['context', '{"a":"\\u0000"}', 'context'],
    ['context', '"text"', 'context'],
    ['contact', { ...FACTS, name: 'a\0b' }, 'contact.name'],
    ['contact', { ...FACTS, tags: ['vip', 'a\0b'] }, 'contact.tags[1]'],
  ])('refuses %s = %j, naming the field, and writes nothing (P3)', async (field, value, name) => {
    const request = newStart(app);
    await expect(app.start({ ...request, [field]: value })).rejects.toMatchObject({
      kind: 'invalid_argument',
      reason: 'INVALID_FIELD',
      domain: 'parley.session.v1',
      fields: [{ field: name, description: expect.any(String) }],
    });
    expect(await app.database.query('SELECT 1 FROM sessions WHERE flow_id = $1', [request.flowId])).toEqual(
      [],
    );
    expect(await app.database.query('SELECT 1 FROM outbox WHERE tenant_id = $1', [request.tenantId])).toEqual(
      [],
    );
  });

  it('must hold 1 to 1000 items', async () => {
    await expect(app.startAll([])).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [{ field: 'requests' }],
    });
    const request = newStart(app);
    await expect(app.startAll(Array<StartSessionRequest>(1_001).fill(request))).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
    });
  });
});

describe('a session past its time', () => {
  it('is expired for every reader, though nothing has swept it (P4)', async () => {
    const request = newStart(app);
    const { sessionId } = await app.start(request);
    await app.setExpiry(sessionId, '-1 second');

    const session = await get(request.tenantId, sessionId);
    expect(session.status).toBe(SessionStatus.EXPIRED);
    expect(session.endedAt).toEqual(session.expiresAt);
    const { tenantId } = request;
    expect((await list({ tenantId, statuses: [SessionStatus.RUNNING] })).sessions).toEqual([]);
    expect((await list({ tenantId, statuses: [SessionStatus.EXPIRED] })).sessions).toHaveLength(1);
    await expect(cancel(tenantId, sessionId)).rejects.toMatchObject({
      reason: 'SESSION_NOT_RUNNING',
      metadata: { status: 'expired' },
    });
    expect(await app.database.query('SELECT status FROM sessions WHERE id = $1', [sessionId])).toEqual([
      { status: 'running' },
    ]);
  });

  it('never blocks: the trigger that meets it expires it and starts anew, with both events (P4)', async () => {
    const request = newStart(app);
    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    const old = await app.start(request);
    await app.setExpiry(old.sessionId, '-1 second');
    const starts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => app.start(request, app.clients[index % 2])),
    );

    expect(starts.filter((start) => start.result === StartResult.STARTED)).toHaveLength(1);
    const fresh = starts[0]!.sessionId;
    expect(fresh).not.toBe(old.sessionId);
    expect(new Set(starts.map((start) => start.sessionId))).toEqual(new Set([fresh]));
    await probe.waitFor('session.started', 2);
    await outboxIsEmpty(request.tenantId);
    expect(probe.of(old.sessionId).map(({ type, sequence }) => [type, sequence])).toEqual([
      ['session.started', 1],
      ['session.expired', 2],
    ]);
    expect(probe.of(fresh).map(({ type, sequence }) => [type, sequence])).toEqual([['session.started', 1]]);
    await probe.close();
  });
});

describe('cancelling', () => {
  it('ends a running session once, with an event, and frees the contact', async () => {
    const request = newStart(app);
    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    const { sessionId } = await app.start(request);
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => cancel(request.tenantId, sessionId)),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect((await get(request.tenantId, sessionId)).status).toBe(SessionStatus.CANCELLED);
    await expect(cancel(request.tenantId, sessionId)).rejects.toMatchObject({
      kind: 'failed_precondition',
      reason: 'SESSION_NOT_RUNNING',
    });
    expect((await app.start(request)).result).toBe(StartResult.STARTED);

    await probe.waitFor('session.cancelled');
    await outboxIsEmpty(request.tenantId);
    expect(probe.of(sessionId).map((event) => event.type)).toEqual(['session.started', 'session.cancelled']);
    await probe.close();
  });
});

describe('reading', () => {
  it('finds nothing of another tenant, as if it did not exist (P8)', async () => {
    const request = newStart(app);
    const { sessionId } = await app.start(request);
    const other = uuidv7();
    for (const id of [sessionId, uuidv7()]) {
      await expect(get(other, id)).rejects.toMatchObject({ kind: 'not_found', reason: 'SESSION_NOT_FOUND' });
      await expect(cancel(other, id)).rejects.toMatchObject({
        kind: 'not_found',
        reason: 'SESSION_NOT_FOUND',
      });
    }
    expect((await list({ tenantId: other, flowId: request.flowId })).sessions).toEqual([]);
    await expect(app.start({ ...request, tenantId: other })).rejects.toMatchObject({
      reason: 'FLOW_VERSION_NOT_FOUND',
    });
  });

  it('lists newest first, in pages that hold every session once', async () => {
    const base = newStart(app);
    const contacts = Array.from({ length: 5 }, () => uuidv7());
    const ids: string[] = [];
    for (const contactId of contacts) ids.push((await app.start({ ...base, contactId })).sessionId);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await list({ tenantId: base.tenantId, flowId: base.flowId, pageSize: 2, pageToken });
      seen.push(...page.sessions.map((session) => session.id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(ids.toReversed());
    const one = await list({ tenantId: base.tenantId, contactId: contacts[2]! });
    expect(one.sessions.map((session) => session.id)).toEqual([ids[2]]);
    const { count } = await call(app.client, app.client.countSessions, {
      tenantId: base.tenantId,
      flowId: base.flowId,
    });
    expect(count).toBe(5);
  });

  it.each(['x', 'bm90IGFuIGlk'])('refuses the page token %s', async (pageToken) => {
    await expect(list({ tenantId: uuidv7(), pageToken })).rejects.toMatchObject({
      fields: [{ field: 'page_token' }],
    });
  });
});

describe('a running session', () => {
  it('stays on the version it started with (P7)', async () => {
    const request = newStart(app);
    const { sessionId } = await app.start(request);
    app.flowCatalog.publish(request.tenantId, request.flowId, { version: 2, name: 'Renamed' });
    expect(await app.start({ ...request, flowVersion: 2 })).toMatchObject({
      result: StartResult.ALREADY_RUNNING,
      flowVersion: 1,
      flowName: 'Abandoned cart 30min',
    });
    expect(await get(request.tenantId, sessionId)).toMatchObject({ flowVersion: 1 });
  });
});

describe('a dependency that is away', () => {
  it('makes a start UNAVAILABLE within the deadline, and writes nothing (P10)', async () => {
    const lonely = await SessionApp.create();
    await lonely.addReplica({ FLOW_CATALOG_ADDRESS: `127.0.0.1:${await freePort()}` });
    const begun = Date.now();
    await expect(lonely.start(newStart(lonely))).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'UNAVAILABLE',
    });
    expect(Date.now() - begun).toBeLessThan(2_500);
    expect(await lonely.database.query('SELECT 1 FROM sessions')).toEqual([]);
    await lonely.close();
  });
});

async function outboxIsEmpty(tenantId: string): Promise<void> {
  await eventually(async () => {
    const waiting = await app.database.query(
      'SELECT 1 FROM outbox WHERE tenant_id = $1 AND published_at IS NULL',
      [tenantId],
    );
    expect(waiting).toEqual([]);
  });
}
