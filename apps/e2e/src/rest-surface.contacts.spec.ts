import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deliveryOf } from './abuse/things.ts';
import { Cluster } from './cluster.ts';
import { DocumentedGateway, routesWithId } from './rest-surface.document.ts';
import {
  createContact,
  expectStatus,
  fieldsOf,
  newPhone,
  ok,
  TIME,
  trigger,
  type View,
} from './rest-surface.steps.ts';

interface RouteById {
  method: string;
  path: string;
  body?: object;
}

const routesById = JSON.parse(
  readFileSync(new URL('rest-surface.routes-by-id.json', import.meta.url), 'utf8'),
) as RouteById[];

const UNKNOWN = '0190b0a0-0000-7000-8000-000000000000';

let cluster: Cluster;
let gateway: DocumentedGateway;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.createToken('rival');
  gateway = new DocumentedGateway(cluster);
});
afterAll(() => cluster.stop());

describe('contacts', () => {
  it('create-contact: 201 for a new phone and for a known one, of which it changes the fields sent', async () => {
    const phone = newPhone();
    const created = await createContact(gateway, {
      phone,
      name: 'Ada',
      tags: 'vip, summer',
      metadata: { a: 1, b: { c: 2 } },
    });
    expect(created).toMatchObject({
      phone,
      source: 'api',
      tags: ['summer', 'vip'],
      opted_in_at: expect.any(String),
    });
    const spaced = phone.replace(/^\+1(\d{3})/, '+1 ($1) ');
    const again = await createContact(gateway, { phone: spaced, email: 'ada@example.com' });
    expect(again).toMatchObject({
      id: created.id,
      name: 'Ada',
      email: 'ada@example.com',
      tags: ['summer', 'vip'],
    });
  });

  it('get-contact: by exactly one of id, phone and email', async () => {
    const email = 'Grace@example.com';
    const { id, phone } = await createContact(gateway, { email });
    const get = (body: object) => gateway.post('/actions/get-contact', body);
    for (const body of [
      { contact_id: id },
      { phone },
      { email: email.toLowerCase() },
      { phone, email: '' },
    ]) {
      expect((await ok(get(body))).id).toBe(id);
    }
    for (const body of [{}, { contact_id: id, phone }, { phone, email }]) {
      expect(await fieldsOf(get(body))).toEqual(['contact_id']);
    }
    expect(await expectStatus(404, get({ phone: newPhone() }))).toEqual({ error: 'Contact not found' });
  });

  it('update-contact: "" clears, tags replace, metadata merges, the rest stays', async () => {
    const { id } = await createContact(gateway, {
      name: 'Ada',
      email: 'a@example.com',
      tags: 'one,two',
      metadata: { a: 1, b: { c: 2 } },
    });
    const update = (fields: object) => gateway.post('/actions/update-contact', { contact_id: id, ...fields });
    expect(await ok(update({ name: '', tags: 'three, one' }))).toMatchObject({
      name: null,
      email: 'a@example.com',
      tags: ['one', 'three'],
    });
    expect(await ok(update({ email: '', metadata: { b: { d: 3 }, e: [4] } }))).toMatchObject({
      email: null,
      tags: ['one', 'three'],
      metadata: { a: 1, b: { d: 3 }, e: [4] },
    });
    expect(await ok(update({ tags: '' }))).toMatchObject({ tags: [] });
    expect(await fieldsOf(update({ email: 'no address', locale: '?', metadata: [] }))).toEqual(['metadata']);
    expect(await fieldsOf(update({ email: 'no address', locale: '?' }))).toEqual(['email', 'locale']);
    const { phone } = await createContact(gateway);
    expect(await fieldsOf(update({ phone }))).toEqual(['phone']);
  });

  it('search-contacts: at most 50 that match all that is asked', async () => {
    const bulk: View[] = [];
    for (let count = 0; count < 51; count++)
      bulk.push(await createContact(gateway, { tags: 'bulk', name: `Bulk ${count}` }));
    const email = 'bulk7@example.com';
    await ok(gateway.post('/actions/update-contact', { contact_id: bulk[7]!.id, email }));
    const search = async (body?: object) =>
      (await ok<View[]>(gateway.post('/actions/search-contacts', body))).map(({ id }) => id);
    expect(await search({ tag: 'bulk' })).toEqual(
      bulk
        .slice(1)
        .map(({ id }) => id)
        .reverse(),
    );
    expect(await search({ tag: 'bulk', query: 'BULK 7', email: email.toUpperCase() })).toEqual([bulk[7]!.id]);
    expect(await search({ tag: 'bulk', query: 'Bulk 8', email })).toEqual([]);
    expect(await search({ query: bulk[9]!['phone'] as string })).toEqual([bulk[9]!.id]);
    expect(await search()).toHaveLength(50);
  });

  it('add-tag and remove-tag: twice is as once', async () => {
    const { id } = await createContact(gateway, { tags: 'kept' });
    const change = (verb: string) => ok(gateway.post(`/actions/${verb}`, { contact_id: id, tag: 'vip' }));
    for (let time = 0; time < 2; time++) expect((await change('add-tag'))['tags']).toEqual(['kept', 'vip']);
    for (let time = 0; time < 2; time++) expect((await change('remove-tag'))['tags']).toEqual(['kept']);
    expect(await fieldsOf(gateway.post('/actions/add-tag', { contact_id: id, tag: '' }))).toEqual(['tag']);
    expect(await fieldsOf(gateway.post('/actions/add-tag', { contact_id: id, tag: 'a\0' }))).toEqual(['tag']);
  });

  it('contacts: listed by what they are, opted out and in again', async () => {
    const contact = await createContact(gateway, { tags: 'rare', name: 'Rosalind' });
    expect(await ok(gateway.get('/contacts?tag=rare&query=rosa'))).toEqual({ data: [contact], next: null });
    expect(await ok(gateway.get(`/contacts/${contact.id}`))).toEqual(contact);
    const out = await ok(gateway.post(`/contacts/${contact.id}/opt-out`));
    expect(out['opted_out_at']).toMatch(TIME);
    const body = { flow_id: await cluster.createFlow(), contact_id: contact.id };
    const refused = await expectStatus(422, gateway.post('/actions/trigger-flow', body));
    expect(refused).toEqual({ error: 'Contact has opted out' });
    expect(await ok(gateway.post(`/contacts/${contact.id}/opt-in`))).toMatchObject({ opted_out_at: null });
    await trigger(gateway, body);
  });
});

describe('another tenant’s things', () => {
  const names: Record<string, string> = {};

  beforeAll(async () => {
    const url = 'https://rival.example.com/messages';
    await gateway.request('PUT', '/channels/webhook', { url }, 'rival');
    const flow = await cluster.createFlow({ tenant: 'rival' });
    const started = await gateway.post(
      '/actions/trigger-flow',
      { flow_id: flow, phone: '+33612345678' },
      'rival',
    );
    const { id, contact_id } = started.body as { id: string; contact_id: string };
    Object.assign(names, {
      $flow: flow,
      $session: id,
      $contact: contact_id,
      $delivery: await deliveryOf(cluster, 'rival'),
      $ownFlow: await cluster.createFlow(),
    });
  });

  const fill = (text: string, id?: string): string =>
    text.replace(/\$\w+/g, (name) => (name === '$ownFlow' ? names[name]! : (id ?? names[name]!)));

  it.each(routesById)(
    '$method $path $body answers as for an id that does not exist (P8)',
    async ({ method, path, body }) => {
      const ask = (id?: string) =>
        gateway.request(method, fill(path, id), body && JSON.parse(fill(JSON.stringify(body), id)));
      const [theirs, unknown] = [await ask(), await ask(UNKNOWN)];
      expect({ status: theirs.status, text: theirs.text }).toEqual({ status: 404, text: unknown.text });
      expect(unknown.status).toBe(404);
    },
  );

  it('are asked for above on every route that has an id in its path', () => {
    const asked = routesById.map(
      ({ method, path }) =>
        `${method} ${path
          .replace(/\$\w+/, '{id}')
          .replace(/versions\/\d/, 'versions/{version}')
          .replace('/webhook/', '/{kind}/')}`,
    );
    expect(asked).toEqual(expect.arrayContaining(routesWithId()));
  });

  it.each(['/sessions?flow_id=$flow', '/sessions?contact_id=$contact', '/contacts?query=%2B33612345678'])(
    'are not found by GET %s (P8)',
    async (path) => expect(await ok(gateway.get(fill(path)))).toEqual({ data: [], next: null }),
  );

  it('are as they were', async () => {
    expect(await ok(gateway.get(`/sessions/${names['$session']}`, 'rival'))).toMatchObject({
      status: 'running',
    });
    expect(await ok(gateway.get(`/flows/${names['$flow']}`, 'rival'))).toMatchObject({ status: 'published' });
    expect(await ok(gateway.get(`/contacts/${names['$contact']}`, 'rival'))).toMatchObject({
      name: null,
      tags: [],
    });
  });
});
