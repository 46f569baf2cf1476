import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, EventProbe } from '@parley/testing';
import { Cluster } from './cluster.ts';
import { DocumentedGateway } from './rest-surface.document.ts';
import {
  createContact,
  expectStatus,
  fieldsOf,
  newPhone,
  ok,
  trigger,
  type View,
} from './rest-surface.steps.ts';

let cluster: Cluster;
let gateway: DocumentedGateway;
let probe: EventProbe;

beforeAll(async () => {
  cluster = await Cluster.start();
  gateway = new DocumentedGateway(cluster);
  probe = await EventProbe.open('PARLEY_SESSION', cluster.tenantIdOf());
});
afterAll(async () => {
  await probe.close();
  await cluster.stop();
});

/** Asks, and waits for the answer. */
const asking = (text: string) => ({
  nodes: [
    { id: 'start', type: 'entry', data: {} },
    { id: 'ask', type: 'ask', data: { text, choices: [{ id: 'yes', title: 'Yes' }] } },
  ],
  edges: [{ source: 'start', target: 'ask' }],
});

async function publishNew(text: string): Promise<string> {
  const { id } = await expectStatus(201, gateway.post('/flows', { name: 'Good', definition: asking(text) }));
  await ok(gateway.post(`/flows/${id}/publish`));
  return id;
}

const statusOf = async (session: View) => (await ok(gateway.get(`/sessions/${session.id}`)))['status'];
const versionOf = async (session: View) => (await ok(gateway.get(`/sessions/${session.id}`)))['flow_version'];

/** The types of a session's events so far. */
const typesOf = (session: View) => probe.of(session.id).map(({ type }) => type);

/** What a session said first. */
async function firstMessage(session: View): Promise<unknown> {
  await eventually(() => expect(typesOf(session)).toContain('message.requested'));
  return probe.of(session.id).find(({ type }) => type === 'message.requested')!.data['text'];
}

describe('the versions of a flow', () => {
  let flow: string;
  let start: () => Promise<View>;

  beforeEach(async () => {
    flow = await publishNew('Well?');
    start = () => trigger(gateway, { flow_id: flow, phone: newPhone() });
    await ok(gateway.request('PATCH', `/flows/${flow}`, { name: 'Bad', definition: asking('What?!') }));
  });

  it('are compared with the draft and with each other', async () => {
    const differences = [
      { subject: 'name', id: null, change: 'changed', before: 'Good', after: 'Bad' },
      {
        subject: 'node',
        id: 'ask',
        change: 'changed',
        before: asking('Well?').nodes[1],
        after: asking('What?!').nodes[1],
      },
    ];
    const path = `/flows/${flow}/versions/1/diff`;
    expect(await ok(gateway.get(path))).toEqual({ data: differences });
    expect(await expectStatus(404, gateway.get(`${path}?with=2`))).toEqual({
      error: 'Flow version not found',
    });
    await ok(gateway.post(`/flows/${flow}/publish`));
    expect(await ok(gateway.get(`${path}?with=2`))).toEqual({ data: differences });
    expect(await ok(gateway.get(`/flows/${flow}/versions/2/diff`))).toEqual({ data: [] });
    for (const other of ['0', '-1', '1.5', 'x', '99999999999'])
      expect(await fieldsOf(gateway.get(`${path}?with=${other}`))).toEqual(['with']);
    for (const version of ['0', 'x', '3'])
      expect((await gateway.get(`/flows/${flow}/versions/${version}/diff`)).status).toBe(404);
  });

  it('run side by side, and the one before is published again, for the sessions that start then (P7)', async () => {
    const first = await start();
    await ok(gateway.post(`/flows/${flow}/publish`));
    const second = await start();
    const back = await ok(gateway.post(`/flows/${flow}/versions/1/publish`));
    expect(back).toMatchObject({ status: 'published', published_version: 3, name: 'Bad' });
    const third = await start();
    expect(await Promise.all([first, second, third].map(versionOf))).toEqual([1, 2, 3]);
    expect(await Promise.all([first, second, third].map(statusOf))).toEqual([
      'running',
      'running',
      'running',
    ]);
    expect(await Promise.all([first, second, third].map(firstMessage))).toEqual(['Well?', 'What?!', 'Well?']);
    expect(third['flow_name']).toBe('Good');
    expect(await ok(gateway.post(`/flows/${flow}/versions/1/publish`))).toMatchObject({
      published_version: 3,
    });
    for (const version of ['0', 'x', '4'])
      expect((await gateway.post(`/flows/${flow}/versions/${version}/publish`)).status).toBe(404);
  });
});

describe('unpublishing a flow', () => {
  it.each([
    ['without a body', 'running', undefined],
    ['with an empty body', 'running', {}],
    ['with mode continue', 'running', { mode: 'continue' }],
    ['with mode cancel', 'cancelled', { mode: 'cancel' }],
  ])(
    '%s leaves its sessions of every version %s, and those of other flows alone',
    async (_, status, body) => {
      const flow = await publishNew('Well?');
      const other = await trigger(gateway, { flow_id: await publishNew('Other?'), phone: newPhone() });
      const first = await trigger(gateway, { flow_id: flow, phone: newPhone() });
      await ok(gateway.request('PATCH', `/flows/${flow}`, { name: 'Next' }));
      await ok(gateway.post(`/flows/${flow}/publish`));
      const second = await trigger(gateway, { flow_id: flow, phone: newPhone() });
      expect(await ok(gateway.post(`/flows/${flow}/unpublish`, body))).toMatchObject({ status: 'draft' });
      expect(await Promise.all([first, second].map(statusOf))).toEqual([status, status]);
      expect(await statusOf(other)).toBe('running');
      const again = { flow_id: flow, phone: newPhone() };
      expect((await gateway.post('/actions/trigger-flow', again)).status).toBe(404);
    },
  );

  it('ends what still runs of a flow that is a draft already, each session once (P6)', async () => {
    const flow = await publishNew('Well?');
    const session = await trigger(gateway, { flow_id: flow, phone: newPhone() });
    await ok(gateway.post(`/flows/${flow}/unpublish`));
    expect(await statusOf(session)).toBe('running');
    for (let n = 0; n < 2; n++) await ok(gateway.post(`/flows/${flow}/unpublish`, { mode: 'cancel' }));
    expect(await statusOf(session)).toBe('cancelled');
    await eventually(() => expect(typesOf(session)).toContain('session.cancelled'));
    expect(typesOf(session)).toEqual(['session.started', 'message.requested', 'session.cancelled']);
  });

  it.each([['stop'], [''], [1], [null], [['cancel']]])(
    'refuses mode %j and changes nothing (P3)',
    async (mode) => {
      const flow = await publishNew('Well?');
      const session = await trigger(gateway, { flow_id: flow, phone: newPhone() });
      expect(await fieldsOf(gateway.post(`/flows/${flow}/unpublish`, { mode }))).toEqual(['mode']);
      expect(await ok(gateway.get(`/flows/${flow}`))).toMatchObject({ status: 'published' });
      expect(await statusOf(session)).toBe('running');
    },
  );
});

describe('a flow that reads its contact', () => {
  const TEXT =
    '{{contact.name | default: "you"}}, {{contact.email}}, {{contact.tags | json}}, {{contact.metadata.plan}}, {{contact.phone}}';

  it('is told what is known of the contact when it starts, by id, by phone and in a batch', async () => {
    const known = { name: 'Ada', email: 'ada@example.com', tags: 'vip', metadata: { plan: 'pro' } };
    const said = (phone: unknown) => `Ada, ada@example.com, ["vip"], pro, ${String(phone)}`;
    const [byId, byPhone, inBatch] = await Promise.all([1, 2, 3].map(() => createContact(gateway, known)));
    const flow_id = await publishNew(TEXT);
    const bulk = { items: [{ flow_id, contact_id: inBatch!.id }] };
    const { results } = await ok<{ results: { body: View }[] }>(
      gateway.post('/actions/trigger-flow/batch', bulk),
    );
    const started = [
      [byId!, await trigger(gateway, { flow_id, contact_id: byId!.id })],
      [byPhone!, await trigger(gateway, { flow_id, phone: byPhone!['phone'] })],
      [inBatch!, results[0]!.body],
    ] as const;
    for (const [contact, session] of started)
      expect(await firstMessage(session)).toBe(said(contact['phone']));
    const unknown = newPhone();
    expect(await firstMessage(await trigger(gateway, { flow_id, phone: unknown }))).toBe(
      `you, , [], , ${unknown}`,
    );
  });

  it('is tried without starting (P3)', async () => {
    const contact = await createContact(gateway, { name: 'Ada' });
    const body = { flow_id: await publishNew(TEXT), contact_id: contact.id, dry_run: true };
    expect(await ok(gateway.post('/actions/trigger-flow', body))).toMatchObject({
      status: 'would_start',
      id: null,
    });
  });
});
