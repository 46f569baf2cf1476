import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Cluster, type Answer } from './cluster.ts';

const REUSED = { error: 'Idempotency-Key was already used with a different request' };

let cluster: Cluster;
let flow: string;
let phones = 0;

beforeAll(async () => {
  cluster = await Cluster.start();
});
beforeEach(async () => {
  flow = await cluster.createFlow();
});
afterAll(() => cluster.stop());

const newPhone = (): string => `+1415556${String((phones += 1)).padStart(4, '0')}`;
const send = async (path: string, body: string, headers: Record<string, string>): Promise<Answer> => {
  const response = await fetch(`${cluster.gateway}/api/v1/actions/trigger-flow${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${cluster.tokenOf()}`, ...headers },
    body,
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text };
};
const trigger = (body: object, key?: string): Promise<Answer> =>
  send('', JSON.stringify(body), {
    'Content-Type': 'application/json',
    ...(key !== undefined && { 'Idempotency-Key': key }),
  });
const batch = (items: unknown): Promise<Answer> =>
  send('/batch', JSON.stringify({ items }), { 'Content-Type': 'application/json' });
const sessionOf = ({ body }: Answer): string => (body as { id: string }).id;
const cancel = (id: string): Promise<Answer> => cluster.request('POST', `/sessions/${id}/cancel`);
const count = async (
  table: 'contacts' | 'sessions' | 'outbox_events' | 'start_requests',
): Promise<number> => {
  const app = table === 'contacts' ? 'contact' : 'session';
  const [row] = await cluster.query<{ count: number }>(app, `SELECT count(*)::int AS count FROM ${table}`);
  return row!.count;
};
const counts = async (): Promise<number[]> =>
  Promise.all((['contacts', 'sessions', 'outbox_events', 'start_requests'] as const).map(count));

describe('Idempotency-Key', () => {
  it('gives the first answer again, also when the session has ended and the flow is gone (P9)', async () => {
    const body = { flow_id: flow, phone: newPhone(), context: { cart_id: '1' } };
    const first = await trigger(body, 'cart 1');
    expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
    const again = await trigger(body, 'cart 1');
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');

    await cancel(sessionOf(first));
    await cluster.request('POST', `/flows/${flow}/unpublish`);
    const late = await trigger(body, 'cart 1');
    expect([late.status, late.text]).toEqual([201, first.text]);
  });

  it('refuses the key with another body, which then leaves nothing behind (P9, P3)', async () => {
    await trigger({ flow_id: flow, phone: newPhone() }, 'cart 2');
    const before = await counts();
    for (const other of [
      { flow_id: flow, phone: newPhone() },
      { flow_id: flow, phone: newPhone(), context: {} },
    ]) {
      const refused = await trigger(other, 'cart 2');
      expect([refused.status, refused.body]).toEqual([422, REUSED]);
    }
    expect(await counts()).toEqual(before);
  });

  it('is the same request when the same phone is written otherwise and unknown fields differ', async () => {
    const first = await trigger({ flow_id: flow, phone: '+1 (415) 555-7001' }, 'cart 3');
    const again = await trigger({ phone: '+14155557001', flow_id: flow, utm: 'mail' }, 'cart 3');
    expect([again.status, again.text]).toEqual([201, first.text]);
  });

  it('is the same request when the context is built anew, in another order or absent for empty', async () => {
    const phone = newPhone();
    const first = await trigger(
      { flow_id: flow, phone, context: { a: { c: 1, b: [1, 2] }, d: null } },
      'cart 5',
    );
    const again = await trigger(
      { flow_id: flow, phone, context: { d: null, a: { b: [1, 2], c: 1 } } },
      'cart 5',
    );
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    const other = await trigger(
      { flow_id: flow, phone, context: { d: null, a: { b: [2, 1], c: 1 } } },
      'cart 5',
    );
    expect([other.status, other.body]).toEqual([422, REUSED]);
    const bare = { flow_id: flow, phone: newPhone() };
    const absent = await trigger(bare, 'cart 6');
    const empty = await trigger({ ...bare, context: {} }, 'cart 6');
    expect([absent.status, empty.status, empty.text]).toEqual([201, 201, absent.text]);
  });

  it('has 200 twins at once: one session, one event, equal answers (P9)', async () => {
    const body = { flow_id: flow, phone: newPhone() };
    const [sessions, events] = [await count('sessions'), await count('outbox_events')];
    const answers = await Promise.all(Array.from({ length: 200 }, () => trigger(body, 'twins')));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]!.status).toBe(201);
    expect([await count('sessions'), await count('outbox_events')]).toEqual([sessions + 1, events + 2]);
  });

  it('that is too long is a 422 that names the header', async () => {
    const refused = await trigger({ flow_id: flow, phone: newPhone() }, 'x'.repeat(256));
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ errors: { 'Idempotency-Key': [expect.any(String)] } });
  });

  it('is not needed: refusals are not remembered, so the key serves the corrected request', async () => {
    const refused = await trigger({ flow_id: flow }, 'cart 4');
    expect(refused.status).toBe(422);
    expect((await trigger({ flow_id: flow, phone: newPhone() }, 'cart 4')).status).toBe(201);
  });
});

describe('dry_run', () => {
  it.each(['', 'true', 0, {}])('that is %j is a 422, and starts nothing', async (dry_run) => {
    const before = await counts();
    const { status, body } = await trigger({ flow_id: flow, phone: newPhone(), dry_run });
    expect([status, (body as { errors: unknown }).errors]).toEqual([
      422,
      { dry_run: ['must be true or false'] },
    ]);
    expect(await counts()).toEqual(before);
  });

  it('says what would happen, and writes nothing (P3)', async () => {
    const phone = newPhone();
    const body = { flow_id: flow, phone, dry_run: true };
    const before = await counts();
    const trial = await trigger(body, 'dry');
    expect(trial.status).toBe(200);
    expect(trial.body).toEqual({
      dry_run: true,
      status: 'would_start',
      id: null,
      flow_id: flow,
      flow_name: 'Abandoned cart 30min',
      contact_id: null,
      reasons: [
        'Version 1 of the flow is published.',
        'No contact has this phone; it would be created, opted in now.',
        'No session of this flow is running for the contact.',
      ],
    });
    expect(await counts()).toEqual(before);

    const started = await trigger({ flow_id: flow, phone }, 'dry');
    const { id, contact_id } = started.body as { id: string; contact_id: string };
    const after = await counts();
    expect((await trigger(body)).body).toMatchObject({ status: 'already_running', id, contact_id });
    expect((await trigger(body, 'dry')).body).toMatchObject({ status: 'would_replay', id, contact_id });
    await cancel(id);
    expect((await trigger(body)).body).toMatchObject({ status: 'would_start', id: null, contact_id });
    expect(await count('sessions')).toBe(after[1]);
  });

  it('is refused as the real request would be', async () => {
    const draft = await cluster.createFlow({ publish: false });
    expect((await trigger({ flow_id: draft, phone: newPhone(), dry_run: true })).status).toBe(404);
    expect((await trigger({ flow_id: flow, dry_run: true })).status).toBe(422);
    expect((await trigger({ flow_id: flow, phone: newPhone(), dry_run: 'yes' })).status).toBe(422);
  });
});

describe('a batch of triggers', () => {
  it('answers each item, in order, as the single call would', async () => {
    const phone = newPhone();
    const [{ text: single }, unknown] = [await trigger({ flow_id: flow, phone }), crypto.randomUUID()];
    const answer = await batch([
      { flow_id: flow, phone: newPhone(), idempotency_key: 'item 1' },
      { flow_id: flow, phone },
      { flow_id: unknown, phone: newPhone() },
      { flow_id: flow, contact_id: unknown },
      { flow_id: flow, phone: 'x', idempotency_key: '' },
      'no object',
      { flow_id: flow, phone: newPhone(), dry_run: true },
    ]);
    expect(answer.status).toBe(200);
    const { results } = answer.body as { results: { status: number; body: object }[] };
    expect(results.map(({ status }) => status)).toEqual([201, 200, 404, 404, 422, 422, 200]);
    expect(results[1]!.body).toEqual({ ...JSON.parse(single), status: 'already_running' });
    expect(results[2]!.body).toEqual({ error: 'Flow not found or not published' });
    expect(results[3]!.body).toEqual({ error: 'Contact not found' });
    expect(Object.keys((results[4]!.body as { errors: object }).errors)).toEqual([
      'phone',
      'idempotency_key',
    ]);
    expect(results[5]!.body).toMatchObject({ errors: { body: ['must be a JSON object'] } });
    expect(results[6]!.body).toMatchObject({ dry_run: true, status: 'would_start' });
  });

  it('may be sent again as a whole when its items have keys (P9)', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => ({
      flow_id: flow,
      phone: newPhone(),
      idempotency_key: `again ${index}`,
    }));
    const before = await count('sessions');
    const first = (await batch(items)).body as { results: { status: number; body: object }[] };
    const again = (await batch(items)).body as typeof first;
    expect(new Set(first.results.map(({ status }) => status))).toEqual(new Set([201]));
    expect(again.results).toEqual(first.results.map((result) => ({ ...result, replayed: true })));
    expect(await count('sessions')).toBe(before + 1_000);
  });

  it.each([
    ['no items', {}],
    ['none', { items: [] }],
    ['no list', { items: 'x' }],
    ['1001 items', { items: Array(1_001).fill({}) }],
  ])('is refused with %s', async (_, body) => {
    const { status, body: answer } = await send('/batch', JSON.stringify(body), {
      'Content-Type': 'application/json',
    });
    expect(status).toBe(422);
    expect(answer).toMatchObject({ errors: { items: [expect.any(String)] } });
  });

  it('as a whole takes no Idempotency-Key: a retry would not be what its sender expects', async () => {
    const { status, body } = await send('/batch', JSON.stringify({ items: [{}] }), {
      'Content-Type': 'application/json',
      'Idempotency-Key': 'x',
    });
    expect([status, Object.keys((body as { errors: object }).errors)]).toEqual([422, ['Idempotency-Key']]);
  });

  it('streams as JSON lines, more than fit in one request, with a result a line', async () => {
    const good = (): string => JSON.stringify({ flow_id: flow, phone: newPhone() });
    const lines = Array.from({ length: 2_500 }, good);
    lines.splice(
      1_000,
      0,
      '{not json',
      JSON.stringify({ flow_id: flow, context: 'x'.repeat(200_000) }),
      '',
      '[]',
    );
    const answer = await send('/batch', `${lines.join('\n')}\n`, { 'Content-Type': 'application/x-ndjson' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const results = answer.text.trimEnd().split('\n');
    const statuses = results.map((line) => (JSON.parse(line) as { status: number }).status);
    expect(statuses).toHaveLength(2_503);
    expect(statuses.slice(1_000, 1_003)).toEqual([400, 413, 422]);
    expect(statuses.toSpliced(1_000, 3)).toEqual(Array(2_500).fill(201));
  });

  it('takes JSON lines nowhere else', async () => {
    const answer = await send('', '{}\n', { 'Content-Type': 'application/x-ndjson' });
    expect(answer.status).toBe(415);
  });
});
