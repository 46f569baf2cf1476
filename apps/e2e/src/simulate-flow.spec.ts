import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from './cluster.ts';
import { DocumentedGateway } from './rest-surface.document.ts';
import { expectStatus, fieldsOf, ok } from './rest-surface.steps.ts';

let cluster: Cluster;
let gateway: DocumentedGateway;
let id: string;

const definition = {
  nodes: [
    { id: 'start', type: 'entry' },
    {
      id: 'ask',
      type: 'ask',
      data: {
        text: 'Cart {{context.cart_id}}, {{contact.name}}?',
        choices: [{ id: 'yes', title: 'Yes' }],
        save_as: 'answer',
        timeout_minutes: 10,
      },
    },
    {
      id: 'stock',
      type: 'http_request',
      data: { method: 'GET', url: 'https://shop.example/', save_as: 'stock' },
    },
    {
      id: 'pay',
      type: 'send_message',
      data: {
        template: { name: 'pay', language: 'en', variables: { left: '{{context.stock.body.left}}' } },
        media: { type: 'image', url: 'https://shop.example/{{context.cart_id}}.png' },
      },
    },
    { id: 'tag', type: 'set', data: { tags_add: ['buyer'] } },
    { id: 'bye', type: 'end', data: { outcome: 'paid' } },
  ],
  edges: [
    { source: 'start', target: 'ask' },
    { source: 'ask', sourceHandle: 'yes', target: 'stock' },
    { source: 'stock', sourceHandle: 'success', target: 'pay' },
    { source: 'pay', target: 'tag' },
    { source: 'tag', target: 'bye' },
  ],
};

const script = {
  start_at: '2026-05-07T10:00:00+02:00',
  context: { cart_id: '987' },
  contact: { name: 'Ada', tags: ['vip'] },
  steps: [{ reply: 'maybe' }, { wait_seconds: 60 }, { choose: 'yes' }],
  http: { stock: { status: 200, body: { left: 3 } } },
};

beforeAll(async () => {
  cluster = await Cluster.start();
  gateway = new DocumentedGateway(cluster);
  ({ id } = await expectStatus(201, gateway.post('/flows', { name: 'Cart', definition })));
});
afterAll(() => cluster.stop());

const simulate = (body: object = {}, flow = id) => gateway.post(`/flows/${flow}/simulate`, body);

describe('simulating a flow', () => {
  it('plays the draft, and stores and sends nothing', async () => {
    const simulation = await ok(simulate(script));
    expect(simulation).toMatchObject({
      status: 'completed',
      outcome: 'paid',
      failure: null,
      current_node_id: 'bye',
      context: { cart_id: '987', answer: 'yes', stock: { status: 200, body: { left: 3 } } },
      tags: ['vip', 'buyer'],
      waits_until: null,
      expires_at: '2026-05-07T08:31:00+00:00',
      problem: null,
    });
    expect(simulation['messages']).toEqual([
      {
        step: 0,
        time: '2026-05-07T08:00:00+00:00',
        node_id: 'ask',
        text: 'Cart 987, Ada?',
        template: null,
        media: null,
        choices: [{ id: 'yes', title: 'Yes' }],
      },
      expect.objectContaining({ step: 1, node_id: 'ask', text: 'Cart 987, Ada?' }),
      {
        step: 3,
        time: '2026-05-07T08:01:00+00:00',
        node_id: 'pay',
        text: '',
        template: { name: 'pay', language: 'en', variables: [{ name: 'left', value: '3' }] },
        media: { type: 'image', url: 'https://shop.example/987.png', caption: '' },
        choices: [],
      },
    ]);
    expect(simulation['coverage']).toContainEqual({
      id: 'ask',
      entered: true,
      handles: [
        { id: 'yes', taken: true },
        { id: 'invalid', taken: false },
        { id: 'timeout', taken: false },
      ],
    });
    expect(await ok(gateway.get(`/sessions?flow_id=${id}`))).toEqual({ data: [], next: null });
    expect(await cluster.query('flow-catalog', 'SELECT 1 FROM outbox')).toEqual([]);
  });

  it('shows what a session would wait for, why it would fail, and what is missing to go on', async () => {
    expect(await ok(simulate({ start_at: script.start_at }))).toMatchObject({
      status: 'running',
      current_node_id: 'ask',
      waits_until: '2026-05-07T08:10:00+00:00',
    });
    expect(await ok(simulate({ ...script, http: { stock: { error: 'away' } } }))).toMatchObject({
      status: 'failed',
      failure: { code: 'HTTP_REQUEST_FAILED', node_id: 'stock' },
    });
    expect(await ok(simulate({ ...script, http: {} }))).toMatchObject({
      problem: { code: 'HTTP_ANSWER_MISSING', step: 3, node_id: 'stock' },
    });
  });

  it('plays a version, and a definition in the place of the draft', async () => {
    expect((await expectStatus(404, simulate({ version: 1 })))['error']).toBe('Flow version not found');
    await ok(gateway.post(`/flows/${id}/publish`));
    expect(await ok(simulate({ ...script, version: 1 }))).toMatchObject({ status: 'completed' });
    const settings = { session_ttl_minutes: 2 };
    expect(await ok(simulate({ definition, settings, steps: [{ expire: true }] }))).toMatchObject({
      status: 'expired',
    });
  });

  it('answers what cannot be played as publishing and triggering do', async () => {
    const broken = { nodes: [{ id: 'a', type: 'dance' }], edges: [] };
    expect(await fieldsOf(simulate({ definition: broken }))).toEqual(['nodes[0].type']);
    expect(await expectStatus(422, simulate({ definition: { nodes: [], edges: [] } }))).toEqual({
      error: 'Flow has no entry node',
    });
    expect((await simulate({}, '0190b0a0-0000-7000-8000-000000000000')).status).toBe(404);
  });
});
