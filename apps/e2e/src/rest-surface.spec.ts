import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from './cluster.ts';
import { DocumentedGateway } from './rest-surface.document.ts';
import {
  createContact,
  expectStatus,
  fieldsOf,
  newPhone,
  ok,
  pages,
  TIME,
  trigger,
  type View,
} from './rest-surface.steps.ts';

let cluster: Cluster;
let gateway: DocumentedGateway;

beforeAll(async () => {
  cluster = await Cluster.start();
  gateway = new DocumentedGateway(cluster);
});
afterAll(() => cluster.stop());

describe('the compatible surface', () => {
  it('me: whose token it is', async () => {
    expect(await ok(gateway.get('/me'))).toMatchObject({
      tenant: { id: cluster.tenantIdOf(), name: 'acme' },
      rate_limit: 1_000_000,
    });
  });

  it('get-flow: draft or published, and how many sessions there were', async () => {
    const id = await cluster.createFlow({ publish: false });
    const read = () => ok(gateway.post('/actions/get-flow', { flow_id: id }));
    const draft = await read();
    expect(Object.keys(draft)).toEqual([
      ...['id', 'name', 'status', 'trigger_type', 'sessions_count', 'published_at', 'created_at'],
    ]);
    expect(draft).toMatchObject({ id, status: 'draft', sessions_count: 0, published_at: null });
    await ok(gateway.post(`/flows/${id}/publish`));
    for (let count = 0; count < 3; count++) await trigger(gateway, { flow_id: id, phone: newPhone() });
    expect(await read()).toMatchObject({
      status: 'published',
      sessions_count: 3,
      published_at: expect.stringMatching(TIME),
    });
    await ok(gateway.post(`/flows/${id}/archive`));
    expect(await read()).toMatchObject({ status: 'draft', sessions_count: 3 });
  });

  it('new-flow-triggered: with the contact, in the known order of fields, cancelled as failed', async () => {
    const flow_id = await cluster.createFlow();
    const contact = await createContact(gateway, { name: 'Ada', email: 'ada@example.com' });
    const first = await trigger(gateway, { flow_id, contact_id: contact.id, context: { n: 1 } });
    await ok(gateway.post(`/sessions/${first.id}/cancel`));
    const second = await trigger(gateway, { flow_id, phone: newPhone() });

    const list = await ok<View[]>(gateway.get(`/triggers/new-flow-triggered?flow_id=${flow_id}`));
    expect(list.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(Object.keys(list[1]!)).toEqual([
      ...[
        'id',
        'flow_id',
        'flow_name',
        'contact_id',
        'contact_phone',
        'contact_name',
        'contact_email',
        'status',
      ],
      ...['current_node_id', 'context', 'last_interaction_at', 'expires_at', 'completed_at', 'created_at'],
    ]);
    expect(list[0]).toMatchObject({
      status: 'running',
      contact_name: null,
      contact_email: null,
      context: {},
    });
    expect(list[1]).toMatchObject({
      status: 'failed',
      contact_id: contact.id,
      contact_phone: contact['phone'],
      contact_name: 'Ada',
      contact_email: 'ada@example.com',
      context: { n: 1 },
      completed_at: null,
    });
  });

  it('new-flow-triggered: at most 100, newest first, of all flows unless one is named', async () => {
    const flow_id = await cluster.createFlow();
    const started: string[] = [];
    for (let count = 0; count < 101; count++)
      started.push((await trigger(gateway, { flow_id, phone: newPhone() })).id);
    const list = await ok<View[]>(gateway.get(`/triggers/new-flow-triggered?flow_id=${flow_id}`));
    // Ids of one millisecond on two replicas have no order among themselves; the oldest is the one left out.
    expect(new Set(list.map(({ id }) => id))).toEqual(new Set(started.slice(1)));
    expect(list.map(({ id }) => id)).toEqual(
      list
        .map(({ id }) => id)
        .sort()
        .reverse(),
    );
    await trigger(gateway, { flow_id: await cluster.createFlow(), phone: newPhone() });
    const all = await ok<View[]>(gateway.get('/triggers/new-flow-triggered'));
    expect(all).toHaveLength(100);
    expect(all[0]!['flow_id']).not.toBe(flow_id);
  });
});

describe('sessions', () => {
  it('are read in pages, each item once', async () => {
    const flow_id = await cluster.createFlow();
    const started: View[] = [];
    for (let count = 0; count < 5; count++)
      started.push(await trigger(gateway, { flow_id, phone: newPhone() }));
    const found = await pages(gateway, `/sessions?flow_id=${flow_id}&limit=2`);
    expect(found.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(
      found
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(started.map(({ id }) => id).sort());
    const contacts = await pages(gateway, '/contacts?limit=100');
    expect(new Set(contacts.flat().map(({ id }) => id)).size).toBe(contacts.flat().length);
    expect(await fieldsOf(gateway.get('/sessions?after=nonsense'))).toEqual(['after']);
  });

  it('sessions: found by flow, contact and status; cancelled once, which frees the contact', async () => {
    const flow_id = await cluster.createFlow();
    const one = await trigger(gateway, { flow_id, phone: newPhone() });
    const two = await trigger(gateway, { flow_id, phone: newPhone() });
    const happened = async () => {
      const { data } = await ok(gateway.get(`/sessions/${one.id}/timeline`));
      return (data as { type: string }[]).map(({ type }) => type);
    };
    expect(await happened()).toEqual(['started', 'node']);
    const cancelled = await ok(gateway.post(`/sessions/${one.id}/cancel`));
    expect(await happened()).toEqual(['started', 'node', 'cancelled']);
    expect(cancelled).toMatchObject({
      id: one.id,
      status: 'cancelled',
      ended_at: expect.stringMatching(TIME),
    });
    expect(await ok(gateway.get(`/sessions/${one.id}`))).toEqual(cancelled);
    expect(await expectStatus(409, gateway.post(`/sessions/${one.id}/cancel`))).toEqual({
      error: 'Session is not running',
    });

    const list = async (query: string) =>
      (await ok<{ data: View[] }>(gateway.get(`/sessions?${query}`))).data.map(({ id }) => id);
    expect(await list(`flow_id=${flow_id}`)).toHaveLength(2);
    expect(await list(`flow_id=${flow_id}&status=running`)).toEqual([two.id]);
    expect(await list(`flow_id=${flow_id}&status=cancelled`)).toEqual([one.id]);
    expect(await list(`contact_id=${one['contact_id'] as string}`)).toEqual([one.id]);
    expect(await list(`contact_id=${one['contact_id'] as string}&status=running`)).toEqual([]);
    const next = await trigger(gateway, { flow_id, contact_id: one['contact_id'] });
    expect(next.id).not.toBe(one.id);
  });
});
