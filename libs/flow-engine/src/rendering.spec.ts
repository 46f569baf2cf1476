import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from './json-value.ts';
import {
  chain,
  Conversation,
  entry,
  graph,
  MINUTE,
  say,
  ask,
  set,
  published,
} from './testing/conversation.ts';

const CONTEXT: JsonObject = {
  cart_id: '987654321',
  cart_total: '129.00',
  items: [{ name: 'Lamp', price: 9.5 }, { name: 'Rug' }],
  paid: false,
  none: null,
  empty: '',
  größe: 'XL',
  'with-dash': 1,
};
const started = (text: string, context: JsonObject = CONTEXT, contact: JsonObject = {}) =>
  new Conversation(chain(say('hi', text)), { context, contact });
const shown = (text: string, context?: JsonObject) => started(text, context).texts[0];

describe('a template at run time', () => {
  it.each([
    ['Your cart {{context.cart_id}} ({{context.cart_total}} €)', 'Your cart 987654321 (129.00 €)'],
    ['{{context.items.0.name}}, {{context.items.1.name}}', 'Lamp, Rug'],
    ['{{context.items.0.price}}', '9.5'],
    ['{{context.items.0}}', '{"name":"Lamp","price":9.5}'],
    ['{{context.paid}}', 'false'],
    ['{{context.größe}} {{context.with-dash}}', 'XL 1'],
    ['no template } {x} }}', 'no template } {x} }}'],
    ['{{context.cart_id}}{{context.cart_id}}', '987654321987654321'],
  ])('%s shows %s', (text, expected) => {
    const conversation = started(text);
    expect(conversation.texts).toEqual([expected]);
    expect(conversation.warnings).toEqual([]);
  });

  it.each([
    ['context.missing'],
    ['context.none'],
    ['context.items.2'],
    ['context.items.00'],
    ['context.items.length'],
    ['context.items.name'],
    ['context.cart_id.length'],
    ['context.cart_id.0'],
    ['context.paid.x'],
    ['context.toString'],
    ['context.constructor.name'],
    ['context.__proto__'],
    ['context.__proto__.toString'],
    ['context.items.constructor'],
    ['contact.name'],
    ['contact.hasOwnProperty'],
    ['reply.text'],
    ['reply.constructor'],
    ['flow.valueOf'],
    ['session.__proto__'],
  ])('%s, which is not there, shows nothing and is warned of', (path) => {
    const conversation = started(`[{{${path}}}]`);
    expect(conversation.texts).toEqual(['[]']);
    expect(conversation.warnings).toEqual([`${path} has no value`]);
  });

  it('reads own properties whatever their names', () => {
    const context = JSON.parse('{"__proto__":{"x":"own"},"constructor":{"name":"mine"}}') as JsonObject;
    expect(shown('{{context.__proto__.x}} {{context.constructor.name}}', context)).toBe('own mine');
  });

  it('shows what a value holds and never reads it as a template again', () => {
    const context = { a: '{{context.secret}}', b: '{{', c: 'context.secret}}', secret: 's3cr3t' };
    expect(shown('{{context.a}} {{context.b}}{{context.c}}', context)).toBe(
      '{{context.secret}} {{context.secret}}',
    );
    const conversation = new Conversation(
      chain(set('copy', { 'context.copy': '{{context.a}}' }), say('hi', '{{context.copy}}')),
      { context },
    );
    expect(conversation.texts).toEqual(['{{context.secret}}']);
  });

  it('knows the flow, its version, the session and the contact', () => {
    const text =
      '{{flow.id}} {{flow.name}} {{flow.version}}; {{session.id}} {{session.started_at}} {{session.expires_at}}; {{contact.name}} {{contact.metadata.city}}';
    expect(started(text, {}, { name: 'Ada', metadata: { city: 'Paris' } }).texts).toEqual([
      'flow-1 Cart 3; s-1 2026-05-07T10:00:00.000Z 2026-05-07T10:30:00.000Z; Ada Paris',
    ]);
  });

  it('knows the last accepted reply, and the end of the session that it has put off', () => {
    const definition = graph(
      [
        entry,
        ask('kind', { choices: [{ id: 'a', title: 'First' }], input: undefined }),
        say('tell', '{{reply.text}}|{{reply.choice}}|{{reply.value}}|{{session.expires_at}}'),
        ask('count', { input: { kind: 'number' } }),
        say('tell2', '{{reply.text}}|{{reply.choice}}|{{reply.value}}|{{session.started_at}}'),
      ],
      'start -> kind',
      'kind.a -> tell',
      'tell -> count',
      'count.answered -> tell2',
    );
    const conversation = new Conversation(definition).pass(5 * MINUTE).reply('', 'a');
    expect(conversation.texts).toEqual(['First|a|a|2026-05-07T10:35:00.000Z', 'Well?']);
    conversation.reply('nonsense').reply(' 1,5 ');
    expect(conversation.texts).toEqual([' 1,5 ||1.5|2026-05-07T10:00:00.000Z']);
  });

  it('shows at most 10 000 characters, and says that the text was cut', () => {
    const context = { long: 'x'.repeat(9_999) };
    expect(started('{{context.long}}!', context).warnings).toEqual([]);
    const cut = started('{{context.long}}!?', context);
    expect(cut.texts[0]).toBe(`${context.long}!`);
    expect(cut.warnings).toEqual(['the text was cut after 10000 characters']);
  });

  it('ends where 1 MB would be shown', () => {
    const context = { long: 'x'.repeat(60_000), list: Array.from({ length: 5_000 }, () => 'abcdefgh') };
    const cut = started('{{context.long}}{{context.list}}'.repeat(100), context);
    expect(cut.texts[0]).toHaveLength(10_000);
    expect(cut.warnings).toEqual(['the text was cut after 10000 characters']);
    expect(started(`{{context.list}}`, context).texts[0]).toHaveLength(10_000);
  });

  it('shows no half of a character where it was cut, and none that a value holds', () => {
    expect(shown(`${'x'.repeat(9)}{{context.a}}`, { a: '🦜'.repeat(5_000) })).toBe(
      `${'x'.repeat(9)}${'🦜'.repeat(4_995)}\ufffd`,
    );
    expect(shown('{{context.a}}', { a: 'a\ud800b\0c\udc00' })).toBe('a\ufffdbc\ufffd');
    expect(shown('\0a{{context.a}}', { a: '' })).toBe('a');
  });

  it('warns of a value once for each text, and of no more than 20 in one entry', () => {
    expect(started('{{context.x}}{{context.x}}').warnings).toEqual(['context.x has no value']);
    const many = started(Array.from({ length: 25 }, (_, i) => `{{context.m${i}}}`).join(''));
    expect(many.warnings).toHaveLength(21);
    expect(many.warnings.slice(18)).toEqual([
      'context.m18 has no value',
      'context.m19 has no value',
      'and 5 more',
    ]);
    const twenty = started(Array.from({ length: 20 }, (_, i) => `{{context.m${i}}}`).join(''));
    expect(twenty.warnings).toHaveLength(20);
  });

  it('names a long path in a warning by its beginning', () => {
    expect(started(`{{context${'.abcd'.repeat(500)}}}`).warnings).toEqual([
      `${`context${'.abcd'.repeat(500)}`.slice(0, 200)} has no value`,
    ]);
  });

  it('is parsed when the flow is compiled, not when it runs', () => {
    const flow = published(chain(say('hi', 'Hello {{contact.name}}')));
    const program = flow.nodes.get('hi');
    expect(program?.type === 'send_message' && program.text).toEqual([
      'Hello ',
      { root: 'contact', path: ['name'], filters: [] },
    ]);
  });
});
