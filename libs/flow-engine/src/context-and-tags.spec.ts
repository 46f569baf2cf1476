import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from './json-value.ts';
import { chain, Conversation, node, say, set } from './testing/conversation.ts';

const after = (assign: object, context: JsonObject = {}) =>
  new Conversation(chain(set('set', assign)), { context }).state.context;

describe('a set node', () => {
  it.each<[string, object, JsonObject, JsonObject]>([
    ['a text', { 'context.a': 'x' }, {}, { a: 'x' }],
    ['an empty text', { 'context.a': '' }, {}, { a: '' }],
    [
      'a number, a boolean and null',
      { 'context.a': 1.5, 'context.b': false, 'context.c': null },
      {},
      { a: 1.5, b: false, c: null },
    ],
    ['in place of what was there', { 'context.a': 2 }, { a: { b: 1 }, z: 1 }, { a: 2, z: 1 }],
    [
      'inside an object, beside what was there',
      { 'context.cart.total': 2 },
      { cart: { id: 1 } },
      { cart: { id: 1, total: 2 } },
    ],
    ['into objects that it makes on the way', { 'context.a.b.c': 1 }, {}, { a: { b: { c: 1 } } }],
    ['through what is no object, by replacing it', { 'context.a.b': 1 }, { a: [1, 2] }, { a: { b: 1 } }],
    ['through null, too', { 'context.a.b': 1 }, { a: null }, { a: { b: 1 } }],
    ['two things in one object', { 'context.a.b': 1, 'context.a.c': 2 }, {}, { a: { b: 1, c: 2 } }],
    [
      'a value as it is, not its text',
      { 'context.b': '{{context.a}}' },
      { a: [1, { c: true }] },
      { a: [1, { c: true }], b: [1, { c: true }] },
    ],
    [
      'a text where other text stands around a value',
      { 'context.b': 'n={{context.a}}' },
      { a: 1 },
      { a: 1, b: 'n=1' },
    ],
    [
      'a text where two values stand',
      { 'context.b': '{{context.a}}{{context.a}}' },
      { a: 1 },
      { a: 1, b: '11' },
    ],
    ['a number that a default gives', { 'context.b': '{{context.a | default: 3}}' }, {}, { b: 3 }],
    [
      'what a value was before the node',
      { 'context.a': '{{context.b}}', 'context.b': '{{context.a}}' },
      { a: 1, b: 2 },
      { a: 2, b: 1 },
    ],
    [
      'a clean text in place of one that cannot be stored',
      { 'context.b': '{{context.a}}' },
      { a: 'x\0\ud800' },
      { a: 'x\0\ud800', b: 'x\ufffd' },
    ],
  ])('writes %s', (_what, assign, context, expected) => {
    expect(after(assign, context)).toEqual(expected);
  });

  it('writes null for what is missing, and warns of it', () => {
    const conversation = new Conversation(chain(set('set', { 'context.a': '{{context.b}}' })));
    expect(conversation.state.context).toEqual({ a: null });
    expect(conversation.warnings).toEqual(['context.b has no value']);
  });

  it('copies a long text whole, and cuts one that it renders', () => {
    const context = { a: 'x'.repeat(20_000) };
    expect(after({ 'context.b': '{{context.a}}' }, context)['b']).toBe(context.a);
    expect(after({ 'context.b': '{{context.a}}.' }, context)['b']).toBe('x'.repeat(10_000));
  });

  it('takes names that objects inherit for names like any other', () => {
    const context = after({ 'context.constructor.prototype.polluted': 1, 'context.toString': 'x' });
    expect(JSON.stringify(context)).toBe('{"constructor":{"prototype":{"polluted":1}},"toString":"x"}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('keeps a key __proto__ that it finds', () => {
    const given = JSON.parse('{"__proto__":{"a":1},"b":{"__proto__":2}}') as JsonObject;
    expect(JSON.stringify(after({ 'context.b.c': 3 }, given))).toBe(
      '{"__proto__":{"a":1},"b":{"__proto__":2,"c":3}}',
    );
  });

  it('is noted with what it has assigned', () => {
    const conversation = new Conversation(chain(set('set', { 'context.a.b': 1, 'context.c': 2 })));
    expect(conversation.last.timeline[1]).toEqual({
      number: 2,
      type: 'node',
      nodeId: 'set',
      handle: 'default',
      detail: { node: 'set', assigned: ['context.a.b', 'context.c'] },
      warnings: [],
    });
    expect(conversation.last.effects).toEqual([]);
  });
});

describe('the contact’s tags', () => {
  const tag = (data: object, contact: JsonObject = { name: 'Ada', tags: ['new', 'old'] }) =>
    new Conversation(chain(node('tag', 'set', data), say('hi', '{{contact.tags | json}}')), { contact });

  it('are asked to be changed, and read as changed from then on', () => {
    const conversation = tag({ tags_add: ['vip', 'old'], tags_remove: ['new', 'none'] });
    expect(conversation.last.effects[0]).toEqual({
      id: 's-1.2',
      nodeId: 'tag',
      type: 'tags',
      add: ['vip', 'old'],
      remove: ['new', 'none'],
    });
    expect(conversation.last.timeline[1]?.detail).toEqual({
      node: 'set',
      effect_id: 's-1.2',
      tags_added: ['vip', 'old'],
      tags_removed: ['new', 'none'],
    });
    expect(conversation.texts).toEqual(['["old","vip"]']);
    expect(conversation.state.contact).toEqual({ name: 'Ada', tags: ['old', 'vip'] });
  });

  it('that are both added and removed are gone', () => {
    const conversation = tag({ tags_add: ['new', 'x', 'y'], tags_remove: ['new', 'x'] });
    expect(conversation.texts).toEqual(['["old","y"]']);
    expect(conversation.last.timeline[1]?.detail).toMatchObject({
      tags_added: ['y'],
      tags_removed: ['new', 'x'],
    });
  });

  it('may only be added, or only removed', () => {
    expect(tag({ tags_add: ['a'] }).last.effects[0]).toMatchObject({ add: ['a'], remove: [] });
    expect(tag({ tags_remove: ['new'] }).last.effects[0]).toMatchObject({ add: [], remove: ['new'] });
    expect(tag({ tags_remove: ['new'] }).texts).toEqual(['["old"]']);
  });

  it.each<[string, JsonObject]>([
    ['has none', {}],
    ['has something else in their place', { tags: 'x' }],
  ])('begin with those added where the contact %s', (_what, contact) => {
    expect(tag({ tags_add: ['a'] }, contact).texts).toEqual(['["a"]']);
  });

  it('are not changed by a node that only assigns', () => {
    const conversation = new Conversation(chain(set('set', { 'context.a': 1 })), {
      contact: { tags: ['a'] },
    });
    expect(conversation.last.effects).toEqual([]);
    expect(conversation.last.timeline[1]?.detail).not.toHaveProperty('tags_added');
  });

  it('are at most 100', () => {
    const tags = Array.from({ length: 99 }, (_, i) => `t${i}`);
    expect(tag({ tags_add: ['a', 'b'] }, { tags }).state.contact['tags']).toEqual([...tags, 'a']);
  });

  it('of the compiled flow cannot be changed through an effect', () => {
    const conversation = tag({ tags_add: ['a'], tags_remove: ['b'] });
    const [effect] = conversation.last.effects;
    if (effect?.type !== 'tags') throw new Error('No tags');
    effect.add.push('x');
    effect.remove.push('y');
    const again = new Conversation(conversation.flow);
    expect(again.last.effects[0]).toMatchObject({ add: ['a'], remove: ['b'] });
  });
});
