import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Consent, type ContactFields } from '@parley/contracts/contact';
import { v7 as uuidv7 } from 'uuid';
import { ContactApp } from './testing/contact-app.ts';

const PHONE = '+14155550123';
const OTHER_PHONE = '+14155550124';

let app: ContactApp;
let tenant: string;

beforeAll(async () => {
  app = await ContactApp.create();
});
beforeEach(() => {
  tenant = uuidv7();
});
afterAll(() => app.close());

const NOT_FOUND = { kind: 'not_found', reason: 'CONTACT_NOT_FOUND', domain: 'parley.contact.v1' };

describe('getting a contact', () => {
  it('finds it by id, by phone in any notation, and by email in any case', async () => {
    const contact = await app.add(tenant, PHONE, { email: 'Ann@Example.com' });
    await app.add(tenant, OTHER_PHONE, { email: 'bob@example.com' });
    expect(await app.byId(tenant, contact.id)).toEqual(contact);
    expect(await app.byId(tenant, contact.id.toUpperCase())).toEqual(contact);
    expect(await app.get(tenant, { $case: 'phone', value: PHONE })).toEqual(contact);
    expect(await app.get(tenant, { $case: 'phone', value: '+1 (415) 555-0123' })).toEqual(contact);
    expect(await app.get(tenant, { $case: 'email', value: 'aNN@eXAMPLE.COM' })).toEqual(contact);
  });

  it('takes the oldest of the contacts that share an email', async () => {
    const oldest = await app.add(tenant, PHONE, { email: 'team@example.com' });
    await app.add(tenant, OTHER_PHONE, { email: 'TEAM@example.com' });
    expect((await app.get(tenant, { $case: 'email', value: 'team@example.com' })).id).toBe(oldest.id);
  });

  it('answers an unknown id, phone and email with CONTACT_NOT_FOUND', async () => {
    await expect(app.byId(tenant, uuidv7())).rejects.toMatchObject(NOT_FOUND);
    await expect(app.get(tenant, { $case: 'phone', value: PHONE })).rejects.toMatchObject(NOT_FOUND);
    await expect(app.get(tenant, { $case: 'email', value: 'a@b.cd' })).rejects.toMatchObject(NOT_FOUND);
  });

  it("answers another tenant's contact as one that does not exist, whatever the RPC (P8)", async () => {
    const contact = await app.add(tenant, PHONE, { email: 'ann@example.com' });
    const other = uuidv7();
    const answers = async (id: string) =>
      Promise.all(
        [
          app.byId(other, id),
          app.update(other, id, { name: 'x' }),
          app.setConsent(other, id, Consent.OPTED_OUT),
        ].map((answer) => answer.catch((error: unknown) => error)),
      );
    const theirs = await answers(contact.id);
    expect(theirs).toEqual([
      expect.objectContaining(NOT_FOUND),
      expect.objectContaining(NOT_FOUND),
      expect.objectContaining(NOT_FOUND),
    ]);
    expect(theirs).toEqual(await answers(uuidv7()));
    await expect(app.get(other, { $case: 'phone', value: PHONE })).rejects.toMatchObject(NOT_FOUND);
    await expect(app.get(other, { $case: 'email', value: contact.email })).rejects.toMatchObject(NOT_FOUND);
    expect((await app.search(other)).contacts).toEqual([]);
    expect(await app.byId(tenant, contact.id)).toEqual(contact);
  });
});

describe('upserting a contact', () => {
  it('creates it opted in now, with source api and nothing else known', async () => {
    const before = Date.now();
    const { contact, created } = await app.upsert(tenant, '+1 415 555 0123');
    expect(created).toBe(true);
    expect(contact).toEqual({
      tenantId: tenant,
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      phone: PHONE,
      name: '',
      email: '',
      locale: '',
      tags: [],
      metadata: '{}',
      source: 'api',
      optedInAt: contact!.createdAt,
      optedOutAt: undefined,
      createdAt: expect.any(Date),
      updatedAt: contact!.createdAt,
    });
    expect(Math.abs(contact!.createdAt!.getTime() - before)).toBeLessThan(5_000);
    expect(await app.byId(tenant, contact!.id)).toEqual(contact);
  });

  it('creates it with the fields and the source given', async () => {
    const fields = { name: 'Ann', email: 'ann@example.com', locale: 'fr-CA', metadata: '{"vip":true}' };
    const { contact } = await app.upsert(tenant, PHONE, { ...fields, tags: { tags: ['b', 'a'] } }, 'import');
    expect(contact).toMatchObject({ ...fields, tags: ['a', 'b'], source: 'import' });
  });

  it('changes the one that exists instead of creating another, and keeps its source and opt-in', async () => {
    const first = await app.upsert(tenant, PHONE, { name: 'Ann' }, 'import');
    const second = await app.upsert(tenant, '+1-415-555-0123', { name: 'Anna' }, 'other');
    expect(second.created).toBe(false);
    expect(second.contact).toEqual({ ...first.contact, name: 'Anna', updatedAt: second.contact!.updatedAt });
    expect(await app.count(tenant)).toBe(1);
  });

  it('writes nothing when a field is refused (P3)', async () => {
    const tags = Array.from({ length: 101 }, (_, index) => `t${index}`);
    await expect(app.upsert(tenant, PHONE, { addTags: tags })).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
    });
    expect(await app.count(tenant)).toBe(0);
  });

  it('creates one contact when 30 callers upsert one new phone at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => app.upsert(tenant, PHONE, { addTags: [`t${index}`] })),
    );
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(answers.map(({ contact }) => contact!.id)).size).toBe(1);
    // No caller's change was lost to another's.
    expect((await app.byId(tenant, answers[0]!.contact!.id)).tags).toHaveLength(30);
  });
});

describe('updating a contact', () => {
  const full = {
    name: 'Ann',
    email: 'ann@example.com',
    locale: 'en',
    metadata: '{"a":1}',
    tags: { tags: ['x'] },
  };

  it.each<[string, Partial<ContactFields>, object]>([
    ['the name alone', { name: 'Bob' }, { name: 'Bob' }],
    ['the email alone', { email: 'bob@example.com' }, { email: 'bob@example.com' }],
    ['the locale alone', { locale: 'zh-Hant-TW' }, { locale: 'zh-Hant-TW' }],
    ['name and email, cleared by ""', { name: '', email: '' }, { name: '', email: '' }],
    ['the locale, cleared by ""', { locale: '' }, { locale: '' }],
    ['nothing, when no field is given', {}, {}],
  ])('changes %s and leaves the rest', async (_, fields, change) => {
    const contact = await app.add(tenant, PHONE, full);
    const updated = await app.update(tenant, contact.id, fields);
    expect(updated).toEqual({ ...contact, ...change, updatedAt: updated.updatedAt });
    expect(await app.byId(tenant, contact.id)).toEqual(updated);
  });

  it('moves updated_at forward when something changes and only then', async () => {
    const contact = await app.add(tenant, PHONE, full);
    const same = await app.update(tenant, contact.id, { name: 'Ann', metadata: '{"a":1}', addTags: ['x'] });
    expect(same.updatedAt).toEqual(contact.updatedAt);
    const changed = await app.update(tenant, contact.id, { name: 'Bob' });
    expect(changed.updatedAt!.getTime()).toBeGreaterThan(contact.updatedAt!.getTime());
  });

  it('gives a contact a new phone, under which it is found', async () => {
    const contact = await app.add(tenant, PHONE);
    expect((await app.update(tenant, contact.id, undefined, '+1 415 555 0124')).phone).toBe(OTHER_PHONE);
    expect((await app.get(tenant, { $case: 'phone', value: OTHER_PHONE })).id).toBe(contact.id);
    await expect(app.get(tenant, { $case: 'phone', value: PHONE })).rejects.toMatchObject(NOT_FOUND);
  });

  it("refuses another contact's phone as PHONE_TAKEN and changes nothing", async () => {
    const contact = await app.add(tenant, PHONE);
    await app.add(tenant, OTHER_PHONE);
    await expect(app.update(tenant, contact.id, { name: 'Bob' }, OTHER_PHONE)).rejects.toMatchObject({
      kind: 'already_exists',
      reason: 'PHONE_TAKEN',
    });
    expect(await app.byId(tenant, contact.id)).toEqual(contact);
  });

  it('lets two tenants have the same phone (P8)', async () => {
    const contact = await app.add(tenant, PHONE);
    await app.add(uuidv7(), OTHER_PHONE);
    expect((await app.update(tenant, contact.id, undefined, OTHER_PHONE)).phone).toBe(OTHER_PHONE);
  });

  it('answers an unknown id with CONTACT_NOT_FOUND', async () => {
    await expect(app.update(tenant, uuidv7(), { name: 'x' })).rejects.toMatchObject(NOT_FOUND);
  });
});
