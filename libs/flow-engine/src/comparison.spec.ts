import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from './json-value.ts';
import { Conversation, entry, graph, node } from './testing/conversation.ts';

type Compare = { left: string; op: string; right?: unknown };

const CONTEXT = {
  total: '129.00',
  count: 5,
  moment: '2026-11-28T00:30:00+02:00',
  times: ['2026-11-28T00:30:00+02:00'],
  name: 'Ada Lovelace',
  day: '2026-05-07',
  paid: true,
  empty: '',
  space: ' ',
  none: null,
  zero: 0,
  list: ['red', 7, true],
  nothing: [],
  object: { a: 1 },
  hollow: {},
};

function handleOf(data: object, context: JsonObject = CONTEXT): string {
  const conversation = new Conversation(graph([entry, node('if', 'condition', data)], 'start -> if'), {
    context,
  });
  return conversation.last.timeline.find(({ nodeId }) => nodeId === 'if')!.handle;
}

const holds = (left: string, op: string, right?: unknown) =>
  handleOf({ cases: [{ id: 'yes', all: [{ left: `{{context.${left}}}`, op, right }] }] }) === 'yes';

describe('a comparison', () => {
  it.each<[string, string, unknown]>([
    ['total', 'eq', 129],
    ['total', 'eq', '129'],
    ['total', 'eq', ' +129.0 '],
    ['count', 'eq', '5'],
    ['count', 'eq', '{{context.count}}'],
    ['name', 'eq', 'Ada Lovelace'],
    ['paid', 'eq', true],
    ['paid', 'eq', 'true'],
    ['object', 'eq', '{"a":1}'],
    ['missing', 'eq', ''],
    ['none', 'eq', ''],
    ['missing', 'eq', '{{context.none}}'],
    ['total', 'neq', 130],
    ['missing', 'neq', 'x'],
    ['name', 'neq', 'ada lovelace'],
    ['total', 'gt', 128.5],
    ['total', 'gt', '13'],
    ['day', 'gt', '2026-05-06'],
    ['name', 'gt', 'Ada'],
    ['name', 'gt', 5],
    ['total', 'lt', 'x'],
    ['total', 'gte', 129],
    ['total', 'gte', 128],
    ['zero', 'gte', 0],
    ['zero', 'gt', -1],
    ['count', 'lt', 10],
    ['count', 'lt', '10'],
    ['day', 'lte', '2026-05-07T00:00'],
    // Other offsets, a fraction, a space: the same or a later time.
    ['moment', 'eq', '2026-11-27T22:30:00Z'],
    ['moment', 'lt', '2026-11-27T23:00:00Z'],
    ['moment', 'gt', '2026-11-27 22:29:59.999'],
    ['times', 'contains', '2026-11-27T22:30Z'],
    ['count', 'lte', 5],
    ['count', 'lte', 6],
    ['name', 'contains', 'Love'],
    ['name', 'contains', ''],
    ['list', 'contains', 'red'],
    ['list', 'contains', '7.0'],
    ['list', 'contains', true],
    ['object', 'contains', '"a"'],
    ['count', 'contains', 5],
    ['name', 'not_contains', 'love'],
    ['list', 'not_contains', 're'],
    ['missing', 'not_contains', 'x'],
    ['name', 'starts_with', 'Ada'],
    ['name', 'starts_with', '{{context.empty}}'],
    ['total', 'starts_with', '129.'],
    ['name', 'ends_with', 'lace'],
    ['count', 'in', [4, '5']],
    ['name', 'in', ['x', '{{context.name}}']],
    ['paid', 'in', [true]],
    ['missing', 'in', ['']],
    ['total', 'exists', undefined],
    ['empty', 'exists', undefined],
    ['zero', 'exists', undefined],
    ['nothing', 'exists', undefined],
    ['missing', 'empty', undefined],
    ['none', 'empty', undefined],
    ['empty', 'empty', undefined],
    ['nothing', 'empty', undefined],
    ['hollow', 'empty', undefined],
    ['total', 'matches', '^\\d+\\.\\d\\d$'],
    ['name', 'matches', 'Love'],
    ['list', 'matches', '^\\["red"'],
    ['missing', 'matches', '^$'],
  ])('of %s holds: %s %j', (left, op, right) => {
    expect(holds(left, op, right)).toBe(true);
  });

  it.each<[string, string, unknown]>([
    ['total', 'eq', 130],
    ['name', 'eq', 'ada lovelace'],
    ['zero', 'eq', ''],
    ['zero', 'eq', false],
    ['total', 'neq', '129.000'],
    ['total', 'gt', 129],
    ['total', 'gt', '{{context.missing}}'],
    ['missing', 'gt', -1],
    ['missing', 'gte', 0],
    ['missing', 'lt', 1],
    ['none', 'lte', 1],
    ['empty', 'lt', 'a'],
    ['count', 'gte', '{{context.none}}'],
    ['count', 'gte', 6],
    ['count', 'lt', 5],
    ['count', 'lt', ''],
    ['count', 'lte', 4],
    ['missing', 'lte', '{{context.missing}}'],
    ['name', 'contains', 'love'],
    ['list', 'contains', 're'],
    ['missing', 'contains', 'x'],
    ['name', 'not_contains', 'Love'],
    ['list', 'not_contains', 7],
    ['name', 'starts_with', 'Love'],
    ['name', 'ends_with', 'Love'],
    ['count', 'in', ['4', 6]],
    ['missing', 'in', ['x']],
    ['missing', 'exists', undefined],
    ['none', 'exists', undefined],
    ['space', 'empty', undefined],
    ['zero', 'empty', undefined],
    ['paid', 'empty', undefined],
    ['list', 'empty', undefined],
    ['object', 'empty', undefined],
    ['total', 'matches', '^\\d+$'],
    ['missing', 'matches', '.'],
  ])('of %s does not hold: %s %j', (left, op, right) => {
    expect(holds(left, op, right)).toBe(false);
  });

  it('sees a text where more than one value stands', () => {
    const comparison = { left: '{{context.missing}}!', op: 'eq', right: '!' };
    expect(handleOf({ cases: [{ id: 'yes', all: [comparison] }] })).toBe('yes');
    expect(handleOf({ cases: [{ id: 'yes', all: [{ left: 'x', op: 'exists' }] }] })).toBe('yes');
  });

  it('tries a pattern on the first 4096 characters only, in linear time', () => {
    const matches = (context: JsonObject, right: string) =>
      handleOf({ cases: [{ id: 'yes', all: [{ left: '{{context.a}}', op: 'matches', right }] }] }, context);
    expect(matches({ a: `${'a'.repeat(4_095)}b` }, 'b$')).toBe('yes');
    expect(matches({ a: `${'a'.repeat(4_096)}b` }, 'b$')).toBe('else');
    expect(matches({ a: 'a'.repeat(60_000) }, '^(?:a+)+b')).toBe('else');
  });

  it('warns of nothing that is missing: that is what it asks about', () => {
    const data = {
      cases: [{ id: 'yes', all: [{ left: '{{context.missing}}', op: 'eq', right: '{{context.gone}}' }] }],
    };
    const conversation = new Conversation(graph([entry, node('if', 'condition', data)], 'start -> if'));
    expect(conversation.warnings).toEqual([]);
  });
});

describe('a condition', () => {
  const is = (left: string, right: unknown): Compare => ({ left: `{{context.${left}}}`, op: 'eq', right });

  it('takes the first case that holds', () => {
    const cases = [
      { id: 'a', all: [is('count', 4)] },
      { id: 'b', all: [is('count', 5)] },
      { id: 'c', all: [is('count', 5)] },
    ];
    expect(handleOf({ cases })).toBe('b');
  });

  it('takes else where none holds', () => {
    expect(handleOf({ cases: [{ id: 'a', all: [is('count', 4)] }] })).toBe('else');
  });

  it('wants all of all, and one of any', () => {
    const comparisons = [is('count', 5), is('paid', false)];
    expect(handleOf({ cases: [{ id: 'a', all: comparisons }] })).toBe('else');
    expect(handleOf({ cases: [{ id: 'a', any: comparisons }] })).toBe('a');
    expect(handleOf({ cases: [{ id: 'a', any: [is('count', 4)] }] })).toBe('else');
    expect(handleOf({ cases: [{ id: 'a', all: [is('count', 5), is('paid', true)] }] })).toBe('a');
  });

  it('goes on by the edge of its case, and tells which that was', () => {
    const definition = graph(
      [
        entry,
        node('if', 'condition', { cases: [{ id: 'five', all: [is('count', 5)] }] }),
        node('yes', 'end', { outcome: 'five' }),
        node('no', 'end'),
      ],
      'start -> if',
      'if.five -> yes',
      'if.else -> no',
    );
    const five = new Conversation(definition, { context: { count: 5 } });
    expect(five.state.outcome).toBe('five');
    expect(five.last.timeline[1]).toMatchObject({
      detail: { node: 'condition', case: 'five' },
      handle: 'five',
    });
    expect(new Conversation(definition, { context: {} }).story).toEqual([
      'started start default',
      'node if else',
      'completed no',
    ]);
  });
});
