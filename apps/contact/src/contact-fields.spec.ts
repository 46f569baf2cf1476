import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ContactFields } from '@parley/contracts/contact';
import { v7 as uuidv7 } from 'uuid';
import { ContactApp } from './testing/contact-app.ts';

const PHONE = '+14155550123';

let app: ContactApp;
let tenant: string;

beforeAll(async () => {
  app = await ContactApp.create();
});
beforeEach(() => {
  tenant = uuidv7();
});
afterAll(() => app.close());

describe('tags', () => {
  it.each<[string, string[], Partial<ContactFields>, string[]]>([
    [
      'replaced, sorted and without repeats',
      ['x'],
      { tags: { tags: ['c', 'a', 'c', 'b'] } },
      ['a', 'b', 'c'],
    ],
    ['cleared by an empty list', ['x', 'y'], { tags: { tags: [] } }, []],
    ['kept when nothing is said of them', ['x', 'y'], { name: 'Ann' }, ['x', 'y']],
    ['added, those present kept once', ['b'], { addTags: ['a', 'b', 'a'] }, ['a', 'b']],
    ['removed, those absent passed over', ['a', 'b'], { removeTags: ['b', 'z'] }, ['a']],
    ['added before they are removed', ['a'], { addTags: ['b', 'c'], removeTags: ['a', 'b'] }, ['c']],
    [
      'replaced before others are added',
      ['a'],
      { tags: { tags: ['m'] }, addTags: ['z', 'b'] },
      ['b', 'm', 'z'],
    ],
    ['told apart by case', ['vip'], { addTags: ['VIP'] }, ['VIP', 'vip']],
    [
      'plain text, whatever characters they hold',
      [],
      { addTags: ['a,b', '{"x"}', "o'clock \\"] },
      ['a,b', "o'clock \\", '{"x"}'],
    ],
  ])('are %s', async (_, tags, fields, expected) => {
    const { id } = await app.add(tenant, PHONE, { tags: { tags } });
    const once = await app.update(tenant, id, fields);
    expect(once.tags).toEqual(expected);
    // Saying it again changes nothing.
    expect(await app.update(tenant, id, fields)).toEqual(once);
    expect((await app.byId(tenant, id)).tags).toEqual(expected);
  });

  it('are at most 100, counted after the change', async () => {
    const tags = Array.from({ length: 100 }, (_, index) => `t${index}`);
    const { id } = await app.add(tenant, PHONE, { tags: { tags } });
    await expect(app.update(tenant, id, { addTags: ['more'] })).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [{ field: 'fields.add_tags' }],
    });
    expect((await app.byId(tenant, id)).tags).toHaveLength(100);
    expect((await app.update(tenant, id, { addTags: ['more'], removeTags: ['t0'] })).tags).toHaveLength(100);
  });
});

describe('metadata', () => {
  const merged = async (present: string, patch: string): Promise<unknown> => {
    const { id } = await app.add(tenant, PHONE, { metadata: present });
    const updated = await app.update(tenant, id, { metadata: patch });
    const read = await app.byId(tenant, id);
    expect(read.metadata).toBe(updated.metadata);
    return JSON.parse(read.metadata);
  };

  it.each([
    ['{"a":1,"b":2}', '{"b":3,"c":4}', '{"a":1,"b":3,"c":4}'],
    ['{"a":1}', '{}', '{"a":1}'],
    ['{"a":{"x":1,"y":2}}', '{"a":{"z":3}}', '{"a":{"z":3}}'],
    ['{"a":[1,2]}', '{"a":[3]}', '{"a":[3]}'],
    ['{"a":1}', '{"a":null}', '{"a":null}'],
    ['{"a":"1"}', '{"a":1}', '{"a":1}'],
    ['{"a":{}}', '{"a":[]}', '{"a":[]}'],
    [
      '{}',
      '{"ünï":"🦜 \\"q\\" \\\\","n":[-0.25,1e-7,9007199254740991]}',
      '{"ünï":"🦜 \\"q\\" \\\\","n":[-0.25,1e-7,9007199254740991]}',
    ],
  ])('%s merged with %s, key by key at the top level, is %s', async (present, patch, expected) => {
    expect(await merged(present, patch)).toEqual(JSON.parse(expected));
  });

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'toJSON'])(
    'takes %s as a key like any other, at every depth',
    async (key) => {
      const text = (value: unknown) =>
        `{"keep":1,"in":{"${key}":${JSON.stringify(value)}},"${key}":${JSON.stringify(value)}}`;
      const { id } = await app.add(tenant, PHONE, { metadata: '{"keep":1}' });
      for (const value of [{ polluted: true }, { polluted: 'again' }, 'text']) {
        await app.update(tenant, id, { metadata: text(value) });
        // The texts are compared: parsed values would not show an own __proto__.
        const { metadata } = await app.byId(tenant, id);
        expect(sorted(metadata)).toBe(sorted(text(value)));
      }
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect((await app.update(tenant, id, { metadata: '{"other":2}' })).metadata).toContain(
        `"${key}":"text"`,
      );
    },
  );

  it('is at most 64 KiB after the merge', async () => {
    const { id } = await app.add(tenant, PHONE, { metadata: JSON.stringify({ a: 'x'.repeat(40_000) }) });
    await expect(
      app.update(tenant, id, { metadata: JSON.stringify({ b: 'x'.repeat(40_000) }) }),
    ).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [{ field: 'fields.metadata', description: 'must not be larger than 64 KiB' }],
    });
    const { metadata } = await app.update(tenant, id, {
      metadata: JSON.stringify({ a: 'y'.repeat(40_000) }),
    });
    expect(metadata).toHaveLength(40_008);
  });

  it('loses no change to another made at the same time', async () => {
    const { id } = await app.add(tenant, PHONE);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => app.update(tenant, id, { metadata: `{"k${index}":1}` })),
    );
    expect(Object.keys(JSON.parse((await app.byId(tenant, id)).metadata) as object)).toHaveLength(20);
  });
});

/** The database orders the keys of an object its own way. */
function sorted(json: string): string {
  return JSON.stringify(Object.entries(JSON.parse(json) as object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
