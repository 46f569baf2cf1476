import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { status as GrpcCode } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ReplyResult,
  SessionStatus,
  WaitKind,
  type StartSessionRequest,
  type SubmitReplyRequest,
  type SubmitReplyResponse,
  type TimelineEntry,
} from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { eventually, EventProbe } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { ASKING_AGAIN } from './testing/asking-again.ts';
import { newStart, SessionApp } from './testing/session-app.ts';
import { drained } from './testing/session-checks.ts';

/** Asks, and goes three ways: yes, later, and a timeout that tests bring forward. */
const CART = {
  nodes: [
    { id: 'start', type: 'entry' },
    {
      id: 'ask',
      type: 'ask',
      data: {
        text: 'Your cart {{context.cart_id}} ({{context.cart_total}} €) is waiting.',
        choices: [
          { id: 'yes', title: 'Yes' },
          { id: 'later', title: 'Later' },
        ],
        save_as: 'answer',
        timeout_minutes: 10,
        max_attempts: 2,
        invalid_text: 'Yes or Later?',
      },
    },
    { id: 'pay', type: 'send_message', data: { text: 'Pay here: {{context.cart_id}}' } },
    { id: 'won', type: 'end', data: { outcome: 'recovered' } },
    { id: 'lost', type: 'end', data: { outcome: 'abandoned' } },
  ],
  edges: [
    { source: 'start', target: 'ask' },
    { source: 'ask', sourceHandle: 'yes', target: 'pay' },
    { source: 'ask', sourceHandle: 'later', target: 'lost' },
    { source: 'ask', sourceHandle: 'invalid', target: 'lost' },
    { source: 'ask', sourceHandle: 'timeout', target: 'lost' },
    { source: 'pay', target: 'won' },
  ],
};

let app: SessionApp;

beforeEach(async () => {
  app = await SessionApp.create();
});
afterEach(() => app.close());

function start(definition: unknown, change: Partial<StartSessionRequest> = {}): StartSessionRequest {
  const request = newStart(app, { context: '{"cart_id":"987654321","cart_total":"129.00"}', ...change });
  app.flowCatalog.publish(request.tenantId, request.flowId, { definition: JSON.stringify(definition) });
  return request;
}

async function begin(request: StartSessionRequest): Promise<string> {
  return (await app.start(request)).sessionId;
}

function reply(
  tenantId: string,
  change: Partial<SubmitReplyRequest>,
  client = app.client,
): Promise<SubmitReplyResponse> {
  const request = { tenantId, sessionId: '', contactId: '', text: '', payload: '', waitId: 0, messageId: '' };
  return call(client, client.submitReply, { ...request, ...change });
}

async function get(tenantId: string, id: string) {
  return (await call(app.client, app.client.getSession, { tenantId, id })).session!;
}

async function timeline(tenantId: string, id: string): Promise<TimelineEntry[]> {
  const request = { tenantId, id, afterNumber: 0, pageSize: 0 };
  return (await call(app.client, app.client.getTimeline, request)).entries;
}

const steps = (entries: TimelineEntry[]) =>
  entries.map(({ type, nodeId, handle }) => [type, nodeId, handle].filter(Boolean).join(' '));

async function ended(tenantId: string, id: string) {
  return eventually(async () => {
    const session = await get(tenantId, id);
    if (session.status === SessionStatus.RUNNING) throw new Error('still running');
    return session;
  });
}

describe('a start', () => {
  it('has run to the first question when it is answered, and has asked it (P2)', async () => {
    await app.addReplica();
    const request = start(CART);
    const id = await begin(request);

    const session = await get(request.tenantId, id);
    expect(session).toMatchObject({
      status: SessionStatus.RUNNING,
      currentNodeId: 'ask',
      context: request.context,
      wait: { id: 1, kind: WaitKind.REPLY, nodeId: 'ask' },
    });
    expect(session.wait!.until!.getTime() - session.createdAt!.getTime()).toBe(600_000);

    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    const [message] = await probe.waitFor('message.requested');
    expect(message).toMatchObject({ subject: id, sequence: 2 });
    expect(message!.data).toEqual({
      effect_id: `${id}.2`,
      session_id: id,
      flow_id: request.flowId,
      flow_name: 'Abandoned cart 30min',
      flow_version: 1,
      contact_id: request.contactId,
      node_id: 'ask',
      text: 'Your cart 987654321 (129.00 €) is waiting.',
      choices: [
        { id: 'yes', title: 'Yes', payload: `${id}.1.yes` },
        { id: 'later', title: 'Later', payload: `${id}.1.later` },
      ],
      wait_id: 1,
    });
    expect(probe.of(id).map(({ type }) => type)).toEqual(['session.started', 'message.requested']);
    await probe.close();
  });

  it('of a flow that ends at once starts, completes and frees the contact, in one transaction', async () => {
    await app.addReplica();
    const request = start({
      nodes: [
        { id: 'start', type: 'entry' },
        { id: 'hello', type: 'send_message', data: { text: 'Hello {{contact.name}}' } },
        { id: 'end', type: 'end', data: { outcome: 'greeted' } },
      ],
      edges: [
        { source: 'start', target: 'hello' },
        { source: 'hello', target: 'end' },
      ],
    });
    const contact = { phone: '+14155550123', name: 'Ada', email: '', tags: [], metadata: '{}' };
    const { outcomes } = await app.startAll(Array.from({ length: 12 }, () => ({ ...request, contact })));
    const ids = outcomes.map(({ outcome }) => (outcome?.$case === 'session' ? outcome.value.sessionId : ''));
    expect(new Set(ids).size).toBe(12);
    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    await probe.waitFor('session.completed', 12);
    for (const id of ids) {
      expect(await get(request.tenantId, id)).toMatchObject({
        status: SessionStatus.COMPLETED,
        outcome: 'greeted',
        wait: undefined,
      });
      expect(probe.of(id).map(({ type, sequence }) => [type, sequence])).toEqual([
        ['session.started', 1],
        ['message.requested', 2],
        ['session.completed', 3],
      ]);
      expect(probe.of(id)[1]!.data['text']).toBe('Hello Ada');
      expect(probe.of(id)[2]!.data['outcome']).toBe('greeted');
    }
    await probe.close();
  });
});

describe('a reply', () => {
  it('takes the branch it names, and the session completes there', async () => {
    await app.addReplica();
    const request = start(CART);
    const id = await begin(request);
    const answer = await reply(request.tenantId, { sessionId: id, text: 'yes' });
    expect(answer).toMatchObject({
      result: ReplyResult.ACCEPTED,
      replayed: false,
      session: { id, status: SessionStatus.COMPLETED, outcome: 'recovered', currentNodeId: 'won' },
    });
    expect(JSON.parse(answer.session!.context)).toEqual({
      cart_id: '987654321',
      cart_total: '129.00',
      answer: 'yes',
    });
    expect(steps(await timeline(request.tenantId, id))).toEqual([
      'started start default',
      'node ask',
      'reply ask yes',
      'node pay default',
      'completed won',
    ]);
    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    await probe.waitFor('session.completed');
    expect(probe.of(id).map(({ type, sequence }) => [type, sequence])).toEqual([
      ['session.started', 1],
      ['message.requested', 2],
      ['message.requested', 3],
      ['session.completed', 4],
    ]);
    await probe.close();
  });

  it('that is no answer repeats the question and keeps the timeout; the last attempt takes the handle invalid', async () => {
    await app.addReplica();
    const request = start(CART);
    const id = await begin(request);
    const { wait, expiresAt } = await get(request.tenantId, id);
    const first = await reply(request.tenantId, { sessionId: id, text: 'what?' });
    expect(first.result).toBe(ReplyResult.INVALID);
    expect(first.session).toMatchObject({ wait, expiresAt, status: SessionStatus.RUNNING });
    const second = await reply(request.tenantId, { sessionId: id, text: 'who?' });
    expect(second).toMatchObject({
      result: ReplyResult.INVALID,
      session: { status: SessionStatus.COMPLETED, outcome: 'abandoned' },
    });
  });

  it('slides the expiry when it is accepted', async () => {
    await app.addReplica();
    const twice = {
      nodes: [
        { id: 'start', type: 'entry' },
        { id: 'name', type: 'ask', data: { text: 'Name?', input: { kind: 'text' }, save_as: 'name' } },
        { id: 'age', type: 'ask', data: { text: 'Age, {{context.name}}?', input: { kind: 'number' } } },
      ],
      edges: [
        { source: 'start', target: 'name' },
        { source: 'name', sourceHandle: 'answered', target: 'age' },
      ],
    };
    const request = start(twice);
    const id = await begin(request);
    const before = await get(request.tenantId, id);
    const { session } = await reply(request.tenantId, { sessionId: id, text: 'Ada' });
    expect(session).toMatchObject({ currentNodeId: 'age', wait: { id: 2 } });
    expect(session!.expiresAt!.getTime()).toBe(session!.lastInteractionAt!.getTime() + 30 * 60_000);
    expect(session!.expiresAt!.getTime()).toBeGreaterThan(before.expiresAt!.getTime());
  });

  it('that leads to more nodes than a session may come to fails it: they are counted from sprint to sprint', async () => {
    await app.addReplica();
    const request = start(ASKING_AGAIN);
    const id = await begin(request);
    const answer = () => reply(request.tenantId, { sessionId: id, text: 'again' });
    await answer();
    const counted = "SELECT (memory->>'nodes')::int AS nodes FROM sessions WHERE id = $1";
    expect(await app.database.query(counted, [id])).toEqual([{ nodes: 2 }]);
    await app.database.query(
      "UPDATE sessions SET memory = jsonb_set(memory::jsonb, '{nodes}', '4999')::json WHERE id = $1",
      [id],
    );
    expect((await answer()).session).toMatchObject({ status: SessionStatus.RUNNING });
    expect((await answer()).session).toMatchObject({
      status: SessionStatus.FAILED,
      failure: { code: 'SESSION_TOO_LONG' },
    });
  });

  it('with a message id is taken once, and answered the same for a day', async () => {
    await app.addReplica();
    await app.addReplica();
    const request = start(CART);
    const id = await begin(request);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        reply(
          request.tenantId,
          { contactId: request.contactId, text: 'what?', messageId: 'wamid.1' },
          app.clients[index % 2],
        ),
      ),
    );
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(answers.map(({ result }) => result))).toEqual(new Set([ReplyResult.INVALID]));
    expect(steps(await timeline(request.tenantId, id))).toEqual([
      'started start default',
      'node ask',
      'reply ask',
      'node ask',
    ]);
  });

  it('by contact goes to the session that the button names, else to the newest wait; none is told as such', async () => {
    await app.addReplica();
    const first = start(CART);
    const { tenantId, contactId } = first;
    const older = await begin(first);
    const newer = await begin(start(CART, { tenantId, contactId }));
    const pressed = await reply(tenantId, { contactId, payload: `${older}.1.later` });
    expect(pressed).toMatchObject({
      result: ReplyResult.ACCEPTED,
      session: { id: older, outcome: 'abandoned' },
    });
    // The button of a question that is over does not answer another one.
    const late = await reply(tenantId, { contactId, payload: `${older}.1.yes` });
    expect(late).toMatchObject({ result: ReplyResult.IGNORED, session: { id: older } });
    const written = await reply(tenantId, { contactId, text: 'Yes' });
    expect(written).toMatchObject({
      result: ReplyResult.ACCEPTED,
      session: { id: newer, outcome: 'recovered' },
    });
    expect(await reply(tenantId, { contactId, text: 'Yes' })).toMatchObject({
      result: ReplyResult.NO_SESSION,
      session: undefined,
    });
  });

  it('has its id among those of its contact: another contact may have the same', async () => {
    await app.addReplica();
    const first = start(CART);
    const { tenantId, flowId } = first;
    const other = start(CART, { tenantId, flowId });
    const [one, two] = [await begin(first), await begin(other)];
    const said = { messageId: '1' };
    expect(await reply(tenantId, { contactId: first.contactId, text: 'what?', ...said })).toMatchObject({
      result: ReplyResult.INVALID,
      session: { id: one },
      replayed: false,
    });
    for (const replayed of [false, true]) {
      const answer = await reply(tenantId, { contactId: other.contactId, text: 'Yes', ...said });
      expect(answer).toMatchObject({ result: ReplyResult.ACCEPTED, session: { id: two }, replayed });
    }
    // By the session's id it is the contact's all the same.
    expect(await reply(tenantId, { sessionId: one, text: 'Yes', ...said })).toMatchObject({
      result: ReplyResult.INVALID,
      session: { id: one },
      replayed: true,
    });
  });

  it('that is the button of another session is ignored by the session that is named', async () => {
    await app.addReplica();
    const first = start(CART);
    const { tenantId, contactId } = first;
    const [one, two] = [await begin(first), await begin(start(CART, { tenantId, contactId }))];
    expect(await reply(tenantId, { sessionId: one, payload: `${two}.1.yes` })).toMatchObject({
      result: ReplyResult.IGNORED,
      session: { id: one },
    });
    expect(steps(await timeline(tenantId, one))).toEqual([
      'started start default',
      'node ask',
      'ignored ask',
    ]);
  });

  it('to a session that has ended is refused, noted, and changes nothing', async () => {
    await app.addReplica();
    const request = start(CART);
    const id = await begin(request);
    await call(app.client, app.client.cancelSession, { tenantId: request.tenantId, id });
    await expect(reply(request.tenantId, { sessionId: id, text: 'yes' })).rejects.toMatchObject({
      reason: 'SESSION_NOT_RUNNING',
    });
    expect(steps(await timeline(request.tenantId, id))).toEqual([
      'started start default',
      'node ask',
      'cancelled ask',
      'ignored ask',
    ]);
  });

  it('past the expiry expires the session, with its event, and is refused (P4)', async () => {
    await app.addReplica({ EXPIRER: 'false' });
    const request = start(CART);
    const id = await begin(request);
    await app.setExpiry(id, '-1 second');
    await expect(reply(request.tenantId, { sessionId: id, text: 'yes' })).rejects.toMatchObject({
      reason: 'SESSION_NOT_RUNNING',
      metadata: { status: 'expired' },
    });
    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    await probe.waitFor('session.expired');
    expect(steps(await timeline(request.tenantId, id)).slice(2)).toEqual(['expired ask', 'ignored ask']);
    await probe.close();
  });

  it.each([
    ['neither session nor contact', { text: 'x' }, 'session_id'],
    ['both', { text: 'x', sessionId: uuidv7(), contactId: uuidv7() }, 'session_id'],
    ['nothing said', { sessionId: uuidv7() }, 'text'],
    ['too long', { sessionId: uuidv7(), text: 'x'.repeat(4097) }, 'text'],
    ['NUL characters', { sessionId: uuidv7(), text: 'a\0b' }, 'text'],
    ['a negative wait', { sessionId: uuidv7(), text: 'x', waitId: -1 }, 'wait_id'],
  ])('with %s is refused, naming the field', async (_what, change, field) => {
    await app.addReplica();
    await expect(reply(uuidv7(), change)).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [expect.objectContaining({ field })],
    });
  });

  it("to another tenant's session is not found (P8)", async () => {
    await app.addReplica();
    const id = await begin(start(CART));
    await expect(reply(uuidv7(), { sessionId: id, text: 'yes' })).rejects.toMatchObject({
      reason: 'SESSION_NOT_FOUND',
    });
  });
});

describe('the clock', () => {
  it('takes the timeout of a question within two seconds, without traffic and once, with two replicas (P5)', async () => {
    await app.addReplica();
    await app.addReplica();
    const base = start(CART);
    const { outcomes } = await app.startAll(
      Array.from({ length: 40 }, () => ({ ...base, contactId: uuidv7() })),
    );
    const ids = outcomes.map(({ outcome }) => (outcome?.$case === 'session' ? outcome.value.sessionId : ''));
    await app.database.query(
      `UPDATE sessions SET wait_until = clock_timestamp() + interval '1 second' WHERE id = ANY($1)`,
      [ids],
    );
    const probe = await EventProbe.open('PARLEY_SESSION', base.tenantId);
    await probe.waitFor('session.completed', 40);
    await drained(app.database);
    for (const id of ids) {
      expect(probe.of(id).map(({ type, sequence }) => [type, sequence])).toEqual([
        ['session.started', 1],
        ['message.requested', 2],
        ['session.completed', 3],
      ]);
      expect(steps(await timeline(base.tenantId, id)).slice(2)).toEqual([
        'timeout ask timeout',
        'completed lost',
      ]);
    }
    await probe.close();
  });

  it('ends a delay, and the flow goes on', async () => {
    await app.addReplica();
    const request = start({
      nodes: [
        { id: 'start', type: 'entry' },
        { id: 'pause', type: 'delay', data: { seconds: 1 } },
        { id: 'done', type: 'send_message', data: { text: 'One second later' } },
      ],
      edges: [
        { source: 'start', target: 'pause' },
        { source: 'pause', target: 'done' },
      ],
    });
    const id = await begin(request);
    expect(await get(request.tenantId, id)).toMatchObject({ wait: { kind: WaitKind.DELAY } });
    expect(await ended(request.tenantId, id)).toMatchObject({ status: SessionStatus.COMPLETED });
  });
});

describe('an HTTP request', () => {
  let server: Server;
  let requests: { request: IncomingMessage; body: string }[];
  let answer: (attempt: number) => { status: number; body: string };

  beforeEach(async () => {
    requests = [];
    answer = () => ({ status: 200, body: '{"stock":3}' });
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        requests.push({ request, body });
        const { status, body: text } = answer(requests.length);
        response.writeHead(status).end(text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => void server.close());

  const flow = (url: string) => ({
    nodes: [
      { id: 'start', type: 'entry' },
      {
        id: 'stock',
        type: 'http_request',
        data: {
          method: 'POST',
          url: `${url}/stock?cart={{context.cart_id | urlencode}}`,
          headers: { 'X-Shop': '{{context.cart_id}}' },
          body: '{"cart":"{{context.cart_id}}"}',
          save_as: 'stock',
        },
      },
      { id: 'told', type: 'send_message', data: { text: '{{context.stock.body.stock}} left' } },
    ],
    edges: [
      { source: 'start', target: 'stock' },
      { source: 'stock', sourceHandle: 'success', target: 'told' },
    ],
  });
  const url = () => `http://shop.example:${(server.address() as { port: number }).port}`;

  it('is made between transactions, with its effect id, and its answer is read by the flow', async () => {
    await app.addReplica({ HTTP_REQUEST_HOSTS: 'shop.example=127.0.0.1' });
    const request = start(flow(url()));
    const id = await begin(request);
    const session = await ended(request.tenantId, id);
    expect(session.status).toBe(SessionStatus.COMPLETED);
    expect(JSON.parse(session.context)).toMatchObject({ stock: { status: 200, body: { stock: 3 } } });
    expect(requests).toHaveLength(1);
    expect(requests[0]!.body).toBe('{"cart":"987654321"}');
    expect(requests[0]!.request.url).toBe('/stock?cart=987654321');
    expect(requests[0]!.request.headers).toMatchObject({
      'idempotency-key': `${id}.2`,
      'x-shop': '987654321',
      'content-type': 'application/json',
    });
  });

  it('that fails for a moment is made again with the same effect id', async () => {
    answer = (attempt) => (attempt === 1 ? { status: 503, body: '' } : { status: 200, body: '{"stock":1}' });
    await app.addReplica({ HTTP_REQUEST_HOSTS: 'shop.example=127.0.0.1' });
    const request = start(flow(url()));
    const id = await begin(request);
    expect(await ended(request.tenantId, id)).toMatchObject({ status: SessionStatus.COMPLETED });
    expect(requests.map(({ request: { headers } }) => headers['idempotency-key'])).toEqual([
      `${id}.2`,
      `${id}.2`,
    ]);
  });

  it('that is refused fails a session with nowhere to go, and the contact is free again', async () => {
    answer = () => ({ status: 404, body: 'no such cart' });
    await app.addReplica({ HTTP_REQUEST_HOSTS: 'shop.example=127.0.0.1' });
    const request = start(flow(url()));
    const id = await begin(request);
    expect(await ended(request.tenantId, id)).toMatchObject({
      status: SessionStatus.FAILED,
      failure: { code: 'HTTP_REQUEST_FAILED', nodeId: 'stock' },
    });
    const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
    const [failed] = await probe.waitFor('session.failed');
    expect(failed!.data).toMatchObject({
      status: 'failed',
      failure: { code: 'HTTP_REQUEST_FAILED', node_id: 'stock' },
    });
    await probe.close();
    expect(await begin(request)).not.toBe(id);
  });
});

describe('watching a session', () => {
  it('gives what happened, then what happens, and ends with the session; it resumes after a number', async () => {
    await app.addReplica();
    await app.addReplica();
    const request = start(CART);
    const { tenantId } = request;
    const id = await begin(request);
    const watch = (afterNumber: number) => {
      const seen: TimelineEntry[] = [];
      const stream = app.clients[1]!.watchSession({ tenantId, id, afterNumber });
      const done = new Promise<TimelineEntry[]>((resolve, reject) => {
        stream.on('data', ({ entry }: { entry: TimelineEntry }) => seen.push(entry));
        stream.on('end', () => resolve(seen));
        stream.on('error', reject);
      });
      return { seen, done };
    };
    const { seen, done } = watch(0);
    await eventually(() => expect(seen).toHaveLength(2));
    await reply(tenantId, { sessionId: id, text: 'yes' });
    expect((await done).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect((await watch(3).done).map(({ number }) => number)).toEqual([4, 5]);
  });

  it('of another tenant is not found (P8)', async () => {
    await app.addReplica();
    const id = await begin(start(CART));
    const stream = app.client.watchSession({ tenantId: uuidv7(), id, afterNumber: 0 });
    const [error] = (await once(stream, 'error')) as [{ code: number }];
    expect(error.code).toBe(GrpcCode.NOT_FOUND);
  });

  it('is ended by a service that stops, which is not held up by it (P11)', async () => {
    const replica = await app.addReplica();
    const request = start(CART);
    const id = await begin(request);
    const stream = app.client.watchSession({ tenantId: request.tenantId, id, afterNumber: 1 });
    await once(stream, 'data');
    const failed = once(stream, 'error') as Promise<[{ code: number }]>;
    const begun = performance.now();
    await app.closeReplica(replica);
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect((await failed)[0].code).toBe(GrpcCode.UNAVAILABLE);
  });
});
