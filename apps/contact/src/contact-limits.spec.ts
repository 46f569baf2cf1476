import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Consent, type ContactFields, type GetContactRequest } from '@parley/contracts/contact';
import { DomainError } from '@parley/errors';
import { v7 as uuidv7 } from 'uuid';
import { ContactApp } from './testing/contact-app.ts';

const PHONE = '+14155550123';
const tenant = uuidv7();

let app: ContactApp;
let contactId: string;

beforeAll(async () => {
  app = await ContactApp.create();
  contactId = (await app.add(tenant, PHONE, { name: 'Ann' })).id;
});
afterAll(() => app.close());

const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
const ofBytes = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;
const email = (length: number) => {
  const domain = `${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(60)}.com`;
  return `${'l'.repeat(length - domain.length - 1)}@${domain}`;
};

/** The INVALID_FIELD a call is refused with. */
const refusal = async (answer: Promise<unknown>): Promise<string> => {
  const error = await answer.then(
    () => 'accepted',
    (reason: unknown) => reason,
  );
  if (!(error instanceof DomainError)) return String(error);
  expect(error).toMatchObject({
    kind: 'invalid_argument',
    reason: 'INVALID_FIELD',
    domain: 'parley.contact.v1',
  });
  for (const { description } of error.fields) expect(description).not.toBe('');
  return error.fields.map(({ field }) => field).join();
};

describe('a field that is not valid', () => {
  const refused: [string, Partial<ContactFields>, string][] = [
    ['a name of 256 characters', { name: 'x'.repeat(256) }, 'fields.name'],
    ['a name with NUL', { name: 'a\0b' }, 'fields.name'],
    ['an email without @', { email: 'ann' }, 'fields.email'],
    ['an email of 255 characters', { email: email(255) }, 'fields.email'],
    ['a locale that is none', { locale: 'not a locale' }, 'fields.locale'],
    ['a locale with an underscore', { locale: 'fr_CA' }, 'fields.locale'],
    ['an empty tag', { tags: { tags: ['a', ''] } }, 'fields.tags.tags[1]'],
    ['a tag of 65 characters', { addTags: ['x'.repeat(65)] }, 'fields.add_tags[0]'],
    ['a tag with NUL', { removeTags: ['a', 'b', '\0'] }, 'fields.remove_tags[2]'],
    ['101 tags', { tags: { tags: Array.from({ length: 101 }, (_, index) => `t${index}`) } }, 'fields.tags'],
    ['metadata that is no JSON', { metadata: '{' }, 'fields.metadata'],
    ['empty metadata', { metadata: '' }, 'fields.metadata'],
    ['metadata that is an array', { metadata: '[]' }, 'fields.metadata'],
    ['metadata that is null', { metadata: 'null' }, 'fields.metadata'],
    ['metadata with NUL', { metadata: '{"a":"\\u0000"}' }, 'fields.metadata'],
    ['metadata with a lone surrogate', { metadata: '{"a":"\\ud800"}' }, 'fields.metadata'],
    ['metadata of 64 KiB and a byte', { metadata: ofBytes(65_537) }, 'fields.metadata'],
    ['metadata 21 levels deep', { metadata: nested(21) }, 'fields.metadata'],
    ['two fields', { name: '\0', email: '@' }, 'fields.name,fields.email'],
  ];

  it.each(refused)(
    'is refused by an upsert and an update: %s; nothing is written (P3)',
    async (_, fields, named) => {
      const fresh = uuidv7();
      expect(await refusal(app.upsert(fresh, PHONE, fields))).toBe(named);
      expect(await app.count(fresh)).toBe(0);
      const before = await app.byId(tenant, contactId);
      expect(await refusal(app.update(tenant, contactId, fields, '+14155550199'))).toBe(named);
      expect(await app.byId(tenant, contactId)).toEqual(before);
    },
  );

  it.each<[string, Partial<ContactFields>]>([
    ['a name of 255 characters', { name: 'x'.repeat(255) }],
    ['a name of 255 characters outside the BMP', { name: '🦜'.repeat(255) }],
    ['an email of 254 characters', { email: email(254) }],
    [
      '100 tags of 64 characters',
      { tags: { tags: Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(64, 'x')) } },
    ],
    ['a tag of 64 characters outside the BMP', { tags: { tags: ['🦜'.repeat(64)] } }],
    ['metadata of 64 KiB', { metadata: ofBytes(65_536) }],
    ['metadata 20 levels deep', { metadata: nested(20) }],
  ])('is not one at its limit: %s', async (_, fields) => {
    const { contact } = await app.upsert(uuidv7(), PHONE, fields);
    expect({ ...contact, tags: { tags: contact!.tags.toSorted() } }).toMatchObject({
      ...fields,
      ...(fields.tags && { tags: { tags: fields.tags.tags.toSorted() } }),
    });
  });

  it('is told even where a thousand of them are not valid', async () => {
    const addTags = Array.from({ length: 1_000 }, () => '');
    expect(await refusal(app.update(tenant, contactId, { addTags }))).toMatch(/^fields.add_tags\[0\],/);
  });

  it('is a list that is too long, and none of its items', async () => {
    const addTags = Array.from({ length: 1_001 }, () => '');
    expect(await refusal(app.update(tenant, contactId, { addTags }))).toBe('fields.add_tags');
  });

  it.each<[string, GetContactRequest['lookup'], string]>([
    ['nothing to look for', undefined, 'lookup'],
    ['an id that is no UUID', { $case: 'id', value: 'x' }, 'id'],
    ['an empty id', { $case: 'id', value: '' }, 'id'],
    ['a phone without +', { $case: 'phone', value: '4155550123' }, 'phone'],
    ['a phone with text around it', { $case: 'phone', value: `tel: ${PHONE}` }, 'phone'],
    ['an empty phone', { $case: 'phone', value: '' }, 'phone'],
    ['an empty email', { $case: 'email', value: '' }, 'email'],
    ['an email with NUL', { $case: 'email', value: 'a\0@b.cd' }, 'email'],
  ])('is refused by a get: %s', async (_, lookup, named) => {
    expect(await refusal(app.get(tenant, lookup))).toBe(named);
  });

  it.each([
    ['tenant_id', () => app.byId('x', contactId)],
    ['tenant_id', () => app.upsert('', PHONE)],
    ['tenant_id', () => app.update('x', contactId)],
    ['tenant_id', () => app.search('x')],
    ['tenant_id', () => app.setConsent('x', contactId, Consent.OPTED_IN)],
    ['phone', () => app.upsert(tenant, '')],
    ['phone', () => app.upsert(tenant, '+1')],
    ['phone', () => app.upsert(tenant, `${PHONE};ext=12`)],
    ['phone', () => app.update(tenant, contactId, {}, '')],
    ['source', () => app.upsert(tenant, PHONE, {}, 'x'.repeat(65))],
    ['id', () => app.update(tenant, 'x')],
    ['id', () => app.setConsent(tenant, '', Consent.OPTED_IN)],
    ['consent', () => app.setConsent(tenant, contactId, Consent.UNSPECIFIED)],
    ['page_size', () => app.search(tenant, { pageSize: 101 })],
    ['page_size', () => app.search(tenant, { pageSize: -1 })],
    ['page_token', () => app.search(tenant, { pageToken: 'x'.repeat(1_001) })],
    ['query', () => app.search(tenant, { query: '\0' })],
    ['tag', () => app.search(tenant, { tag: 'a\0' })],
    ['email', () => app.search(tenant, { email: '\0' })],
    ['tenant_id,id', () => app.update('x', 'y')],
  ])('is named %s', async (named, request) => {
    expect(await refusal(request())).toBe(named);
  });
});
