import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from './json-value.ts';
import { chain, Play } from './testing/play.ts';

const context: JsonObject = {
  total: '129.00',
  count: 3,
  name: 'Ada',
  vip: true,
  empty: '',
  nothing: null,
  none: [],
  tags: ['new', 'vip', 7],
  day: '2026-05-07',
};

function way(cases: unknown[], given: JsonObject = context): string {
  const flow = chain([{ id: 'if', type: 'condition', data: { cases } }]);
  return new Play(flow, given).start().timeline[1]!.handle;
}
const holds = (left: string, op: string, right?: unknown): boolean =>
  way([{ id: 'yes', all: [{ left, op, ...(right !== undefined && { right }) }] }]) === 'yes';

describe('a comparison', () => {
  it.each([
    ['{{context.total}}', 'eq', 129, true],
    ['{{context.total}}', 'eq', '129', true],
    ['{{context.total}}', 'neq', 129, false],
    ['{{context.name}}', 'eq', 'Ada', true],
    ['{{context.name}}', 'eq', 'ada', false],
    ['{{context.vip}}', 'eq', true, true],
    ['{{context.vip}}', 'eq', 'true', true],
    ['{{context.name}}', 'eq', '{{context.name}}', true],
    ['{{context.count}}', 'gt', 2, true],
    ['{{context.count}}', 'gt', 3, false],
    ['{{context.count}}', 'gte', 3, true],
    ['{{context.count}}', 'lt', '10', true],
    ['{{context.count}}', 'lt', 3, false],
    ['{{context.count}}', 'lte', 3, true],
    ['{{context.day}}', 'lt', '2026-06-01', true],
    ['{{context.day}}', 'gt', '2026-06-01', false],
    ['{{context.missing}}', 'lt', 5, false],
    ['{{context.missing}}', 'gte', 0, false],
    ['{{context.missing}}', 'gt', '', false],
    ['{{context.missing}}', 'lte', 'x', false],
    ['{{context.name}}', 'contains', 'd', true],
    ['{{context.tags}}', 'contains', 'vip', true],
    ['{{context.tags}}', 'contains', 'vi', false],
    ['{{context.tags}}', 'contains', '7', true],
    ['{{context.tags}}', 'not_contains', 'old', true],
    ['{{context.name}}', 'not_contains', 'd', false],
    ['{{context.name}}', 'starts_with', 'A', true],
    ['{{context.name}}', 'starts_with', 'd', false],
    ['{{context.name}}', 'ends_with', 'da', true],
    ['{{context.name}}', 'ends_with', 'A', false],
    ['{{context.count}}', 'in', [1, 2, '3'], true],
    ['{{context.count}}', 'in', [1, 2], false],
    ['{{context.name}}', 'in', ['{{context.name}}'], true],
    ['{{context.name}}', 'exists', undefined, true],
    ['{{context.empty}}', 'exists', undefined, true],
    ['{{context.nothing}}', 'exists', undefined, false],
    ['{{context.missing}}', 'exists', undefined, false],
    ['{{context.empty}}', 'empty', undefined, true],
    ['{{context.none}}', 'empty', undefined, true],
    ['{{context.missing}}', 'empty', undefined, true],
    ['{{context.tags}}', 'empty', undefined, false],
    ['{{context.count}}', 'empty', undefined, false],
    ['{{context.total}}', 'matches', '^\\d+\\.\\d\\d$', true],
    ['{{context.total}}', 'matches', '^\\d+$', false],
  ])('%s %s %j is %s', (left, op, right, expected) => {
    expect(holds(left, op, right)).toBe(expected);
  });

  it('takes no longer for a pattern that would be exponential elsewhere', () => {
    expect(holds('{{context.tags}}', 'matches', '(a+)+$')).toBe(false);
    const cases = [{ id: 'yes', all: [{ left: '{{context.a}}', op: 'matches', right: '^(a+)+$' }] }];
    expect(way(cases, { a: `${'a'.repeat(4_000)}b` })).toBe('else');
  });
});

describe('a condition', () => {
  const is = (right: string) => ({ left: '{{context.name}}', op: 'eq', right });

  it('takes the first case that holds, and else when none does', () => {
    expect(
      way([
        { id: 'a', all: [is('Bob')] },
        { id: 'b', all: [is('Ada')] },
        { id: 'c', all: [is('Ada')] },
      ]),
    ).toBe('b');
    expect(way([{ id: 'a', all: [is('Bob')] }])).toBe('else');
  });

  it('asks for all comparisons, or for any', () => {
    expect(way([{ id: 'a', all: [is('Ada'), is('Bob')] }])).toBe('else');
    expect(way([{ id: 'a', any: [is('Ada'), is('Bob')] }])).toBe('a');
    expect(way([{ id: 'a', any: [is('Eve'), is('Bob')] }])).toBe('else');
  });
});
