import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Consent, Contact, ContactView, type ResolveContactRequest } from '@parley/contracts/contact';
import { call, fromRpcStatus } from '@parley/grpc';
import { v7 as uuidv7 } from 'uuid';
import { ContactApp, item, told } from './testing/contact-app.ts';

const PHONE = '+14155550123';
const OTHER_PHONE = '+14155550124';

let app: ContactApp;
let tenant: string;

beforeAll(async () => {
  app = await ContactApp.create();
  await app.addReplica();
});
beforeEach(() => {
  tenant = uuidv7();
});
afterAll(() => app.close());

const by = (given: Partial<ResolveContactRequest>) => item({ tenantId: tenant, ...given });
const resolve = async (...requests: ResolveContactRequest[]) => (await app.resolve(requests)).map(told);
const A_UUID = expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown as string;

describe('resolving contacts', () => {
  it('creates the contact of a new phone, opted in now, from its source', async () => {
    const [first, second] = await app.resolve([
      by({ phone: PHONE }),
      by({ phone: OTHER_PHONE, source: 'shop' }),
    ]);
    for (const [outcome, phone, source] of [
      [first, PHONE, 'api'],
      [second, OTHER_PHONE, 'shop'],
    ] as const) {
      const { id } = told(outcome!) as { id: string };
      const contact = await app.byId(tenant, id);
      expect(contact).toMatchObject({ phone, source, optedInAt: contact.createdAt, optedOutAt: undefined });
      expect(outcome).toEqual({ outcome: { $case: 'resolved', value: { contact, created: true } } });
    }
  });

  it('tells no more than id and phone in the basic view, of contacts found and created', async () => {
    const ann = await app.add(tenant, PHONE);
    await call(app.client, app.client.setConsent, {
      tenantId: tenant,
      id: ann.id,
      consent: Consent.OPTED_OUT,
    });
    const items = [
      by({ phone: PHONE }),
      by({ phone: OTHER_PHONE, source: 'shop' }),
      by({ id: ann.id, phone: PHONE }),
      by({ id: ann.id, phone: OTHER_PHONE }),
      by({ phone: '+14155550125', validateOnly: true }),
      by({ phone: PHONE, refuseOptedOut: true }),
    ];
    const outcomes = await app.resolve(items, app.client, ContactView.BASIC);
    const { id } = told(outcomes[1]!) as { id: string };
    const basic = (given: Partial<Contact>, created: boolean) => ({
      outcome: {
        $case: 'resolved',
        value: { contact: Contact.fromPartial({ tenantId: tenant, ...given }), created },
      },
    });
    expect(outcomes.slice(0, 3)).toEqual([
      basic({ id: ann.id, phone: PHONE }, false),
      basic({ id, phone: OTHER_PHONE }, true),
      basic({ id: ann.id, phone: PHONE }, false),
    ]);
    expect(outcomes[4]).toEqual(basic({ phone: '+14155550125' }, true));
    expect([outcomes[3], outcomes[5]].map((outcome) => told(outcome!))).toEqual([
      'CONTACT_MISMATCH',
      'CONTACT_OPTED_OUT',
    ]);
    // It was created as any other.
    expect(await app.byId(tenant, id)).toMatchObject({ source: 'shop', metadata: '{}' });
  });

  it('gives each item its own outcome, in order, and one bad item leaves its neighbours alone', async () => {
    const ann = await app.add(tenant, PHONE);
    const outcomes = await resolve(
      by({ phone: OTHER_PHONE }),
      by({ tenantId: 'x', phone: PHONE }),
      by({ id: ann.id }),
      by({ phone: 'not a phone' }),
      by({ id: uuidv7() }),
      by({}),
      by({ phone: PHONE }),
      by({ id: ann.id, phone: OTHER_PHONE }),
      by({ id: ann.id, phone: '+1 415 555 0123' }),
      by({ phone: OTHER_PHONE }),
    );
    const created = { id: (outcomes[0] as { id: string }).id, created: true };
    expect(outcomes).toEqual([
      created,
      'INVALID_FIELD',
      { id: ann.id, created: false },
      'INVALID_FIELD',
      'CONTACT_NOT_FOUND',
      'INVALID_FIELD',
      { id: ann.id, created: false },
      'CONTACT_MISMATCH',
      { id: ann.id, created: false },
      { ...created, created: false },
    ]);
    expect(await app.count(tenant)).toBe(2);
  });

  it('makes one contact of the notations of one phone, created by the first item alone', async () => {
    const notations = [PHONE, '+1 (415) 555-0123', '+1-415-555-0123', '+1.415.555.0123', PHONE];
    const outcomes = await resolve(...notations.map((phone) => by({ phone })));
    const { id } = outcomes[0] as { id: string };
    expect(outcomes).toEqual(notations.map((_, index) => ({ id, created: index === 0 })));
    expect(await app.count(tenant)).toBe(1);
    expect(await resolve(by({ phone: PHONE }))).toEqual([{ id, created: false }]);
  });

  it('takes the source of the first of many items with one new phone', async () => {
    const sources = Array.from({ length: 500 }, (_, index) => `source-${index}`);
    await app.resolve(sources.map((source) => by({ phone: PHONE, source })));
    expect((await app.get(tenant, { $case: 'phone', value: PHONE })).source).toBe('source-0');
  });

  it.each([
    ['an unknown id', () => by({ id: uuidv7() }), 'CONTACT_NOT_FOUND'],
    ['an unknown id with a new phone', () => by({ id: uuidv7(), phone: PHONE }), 'CONTACT_NOT_FOUND'],
    ['an id with a phone that is no number', () => by({ id: uuidv7(), phone: '12' }), 'INVALID_FIELD'],
    ['neither id nor phone', () => by({}), 'INVALID_FIELD'],
  ])('creates nothing for %s (P3)', async (_, request, reason) => {
    expect(await resolve(request())).toEqual([reason]);
    expect(await app.count(tenant)).toBe(0);
  });

  it('creates nothing for an id and a new phone that is not its own, and names the id (P3)', async () => {
    const ann = await app.add(tenant, PHONE);
    const [outcome] = await app.resolve([by({ id: ann.id, phone: OTHER_PHONE })]);
    if (outcome?.outcome?.$case !== 'error') throw new Error('resolved');
    expect(fromRpcStatus(outcome.outcome.value)).toMatchObject({
      kind: 'invalid_argument',
      reason: 'CONTACT_MISMATCH',
      domain: 'parley.contact.v1',
      fields: [{ field: 'id' }],
    });
    expect(await app.count(tenant)).toBe(1);
  });

  it("keeps the tenants of one batch apart: another's id is an unknown id (P8)", async () => {
    const other = uuidv7();
    const ann = await app.add(tenant, PHONE);
    const outcomes = await resolve(
      by({ phone: PHONE }),
      by({ tenantId: other, phone: PHONE }),
      by({ tenantId: other, id: ann.id }),
      by({ tenantId: other, id: ann.id, phone: PHONE }),
      by({ id: ann.id }),
    );
    expect(outcomes).toEqual([
      { id: ann.id, created: false },
      { id: A_UUID, created: true },
      'CONTACT_NOT_FOUND',
      'CONTACT_NOT_FOUND',
      { id: ann.id, created: false },
    ]);
    expect((outcomes[1] as { id: string }).id).not.toBe(ann.id);
    const [theirs, unknown] = await app.resolve([
      by({ tenantId: other, id: ann.id }),
      by({ tenantId: other, id: uuidv7() }),
    ]);
    expect(theirs).toEqual(unknown);
  });

  it.each<[Partial<ResolveContactRequest>, string]>([
    [{ tenantId: '' }, 'tenant_id'],
    [{ tenantId: 'x' }, 'tenant_id'],
    [{ id: 'x' }, 'id'],
    [{ id: '', phone: '' }, 'id'],
    [{ phone: '4155550123' }, 'phone'],
    [{ phone: `${PHONE}\0` }, 'phone'],
    [{ phone: `call ${PHONE}` }, 'phone'],
    [{ source: 'x'.repeat(65) }, 'source'],
    [{ source: 'a\0' }, 'source'],
  ])('refuses the item %j, naming %s, and writes nothing (P3)', async (change, field) => {
    const [outcome] = await app.resolve([by({ phone: PHONE, ...change })]);
    if (outcome?.outcome?.$case !== 'error') throw new Error('resolved');
    expect(fromRpcStatus(outcome.outcome.value)).toMatchObject({
      kind: 'invalid_argument',
      reason: 'INVALID_FIELD',
      domain: 'parley.contact.v1',
      fields: [{ field, description: expect.any(String) }],
    });
    expect(await app.count(tenant)).toBe(0);
  });

  it('takes 1 to 1000 items', async () => {
    const refused = { reason: 'INVALID_FIELD', fields: [{ field: 'requests' }] };
    await expect(app.resolve([])).rejects.toMatchObject(refused);
    const items = Array.from({ length: 1_001 }, (_, index) => by({ phone: `+1415${5_550_000 + index}` }));
    await expect(app.resolve(items)).rejects.toMatchObject(refused);
    expect(await app.count(tenant)).toBe(0);
    const outcomes = await resolve(...items.slice(1));
    expect(outcomes).toEqual(items.slice(1).map(() => ({ id: A_UUID, created: true })));
    expect(await app.count(tenant)).toBe(1_000);
  });

  it('answers a batch of contacts with all the metadata there may be', async () => {
    const metadata = JSON.stringify({ a: 'x'.repeat(65_000) });
    const { id } = await app.add(tenant, PHONE, { metadata });
    const outcomes = await resolve(...Array.from({ length: 200 }, () => by({ id })));
    expect(outcomes).toEqual(Array.from({ length: 200 }, () => ({ id, created: false })));
  });
});

describe('resolving at the same time', () => {
  it('creates one contact of a new phone that 100 callers ask for over two replicas', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => app.resolve([by({ phone: PHONE })], app.clients[index % 2])),
    );
    const outcomes = answers.flat().map(told) as { id: string; created: boolean }[];
    expect(new Set(outcomes.map(({ id }) => id)).size).toBe(1);
    expect(outcomes.filter(({ created }) => created)).toHaveLength(1);
    expect(await app.count(tenant)).toBe(1);
  });

  it('lets batches with the same new phones in opposite orders all through', async () => {
    for (let round = 0; round < 5; round++) {
      const batch = Array.from({ length: 60 }, (_, index) =>
        by({ phone: `+1415555${1_000 + round * 60 + index}` }),
      );
      const orders = [batch, batch.toReversed(), batch, batch.toReversed()];
      const answers = await Promise.all(
        orders.map((requests, index) => app.resolve(requests, app.clients[index % 2])),
      );
      const outcomes = answers.flat().map(told) as { id: string; created: boolean }[];
      expect(outcomes.filter((outcome) => typeof outcome === 'string')).toEqual([]);
      expect(outcomes.filter(({ created }) => created)).toHaveLength(60);
      expect(new Set(outcomes.map(({ id }) => id)).size).toBe(60);
    }
    expect(await app.count(tenant)).toBe(300);
  });
});

describe('an item that is only to be validated', () => {
  it('finds what is there, and creates nothing where nothing is (P3)', async () => {
    const trial = by({ phone: PHONE, validateOnly: true });
    expect(await resolve(trial)).toEqual([{ id: '', created: true }]);
    expect(await app.count(tenant)).toBe(0);
    const ann = await app.add(tenant, PHONE);
    expect(await resolve(trial)).toEqual([{ id: ann.id, created: false }]);
  });
});
