import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from './json-value.ts';
import { rendered } from './testing/play.ts';

const context: JsonObject = {
  cart_id: '987654321',
  cart_total: '129.00',
  count: 3,
  ratio: 0.5,
  paid: false,
  nothing: null,
  list: ['a', { b: 'c' }],
  day: '2026-05-07',
  at: '2026-05-07T08:14:23+02:00',
  sly: '{{context.cart_id}}',
};

describe('a rendered text', () => {
  it.each([
    ['Your cart {{context.cart_id}} ({{context.cart_total}} €)', 'Your cart 987654321 (129.00 €)'],
    ['{{context.count}} {{context.ratio}} {{context.paid}}', '3 0.5 false'],
    ['{{context.list}}', '["a",{"b":"c"}]'],
    ['{{context.list.1.b}}', 'c'],
    ['{{context.sly}}', '{{context.cart_id}}'],
    ['{{contact.name}} {{flow.name}} {{flow.version}}', 'Ada Cart 2'],
    ['{{session.id}} {{session.started_at}}', 's 2026-05-07T08:14:23.000Z'],
    ['{{session.expires_at | date: "HH:mm"}}', '08:44'],
    ['{{context.x | default: "none"}} {{context.nothing | default: 0}}', 'none 0'],
    ['{{context.cart_id | default: "none"}}', '987654321'],
    ['{{contact.name | upper}} {{contact.name | lower}}', 'ADA ada'],
    ['[{{context.spaced | trim}}]', '[x]'],
    ['{{context.cart_total | number}} {{context.count | number: 2}}', '129 3.00'],
    ['{{context.day | date: "dd.MM.yyyy"}}', '07.05.2026'],
    ['{{context.at | date: "yyyy-MM-dd HH:mm:ss"}}', '2026-05-07 06:14:23'],
    ['{{context.list | json}} {{contact.name | json}}', '["a",{"b":"c"}] "Ada"'],
    ['?q={{context.query | urlencode}}', '?q=a%26b%20%C3%A9'],
  ])('of %s is %s', (text, expected) => {
    const given = { ...context, spaced: ' x ', query: 'a&b é' };
    expect(rendered(text, given, { name: 'Ada' })).toEqual({ text: expected, warnings: [] });
  });

  it.each([
    ['{{context.missing}}', 'context.missing has no value'],
    ['{{context.nothing}}', 'context.nothing has no value'],
    ['{{reply.text}}', 'reply.text has no value'],
    ['{{context.list.9}}', 'context.list.9 has no value'],
    ['{{context.cart_id.length}}', 'context.cart_id.length has no value'],
    ['{{context.constructor.name}}', 'context.constructor.name has no value'],
    ['{{context.__proto__.polluted}}', 'context.__proto__.polluted has no value'],
    ['{{context.cart_id | date: "yyyy"}}', 'context.cart_id has no value'],
    ['{{context.day | number}}', 'context.day has no value'],
  ])('of %s is empty, with a warning', (text, warning) => {
    expect(rendered(text, context)).toEqual({ text: '', warnings: [warning] });
  });

  it('reads keys such as __proto__ where the context really has them', () => {
    const given = JSON.parse('{"__proto__":{"polluted":"own"},"constructor":{"name":"mine"}}') as JsonObject;
    expect(rendered('{{context.__proto__.polluted}} {{context.constructor.name}}', given).text).toBe(
      'own mine',
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is cut after 10 000 characters, and so is each value on its way through filters', () => {
    const big = { big: 'x'.repeat(60_000) };
    const { text, warnings } = rendered('{{context.big}}{{context.big}}', big);
    expect(text).toHaveLength(10_000);
    expect(warnings).toContain('the text was cut after 10000 characters');
    const chained = rendered(`{{context.quote${' | json'.repeat(60)}}}`, { quote: '"' });
    expect(chained.text).toHaveLength(10_000);
    expect(chained.warnings).toContain('a value was cut after 10000 characters');
  });

  it('holds no NUL characters and no halves of characters', () => {
    expect(rendered('a{{context.x}}b', { x: '\0\ud800' }).text).toBe('a\ufffdb');
    expect(rendered('{{context.x | urlencode}}', { x: '\ud800' }).text).toBe('%EF%BF%BD');
  });
});
