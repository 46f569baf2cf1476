import { describe, expect, it } from '@jest/globals';
import { checkFlow, compileFlow, newSession, runSprint } from './index.ts';
import type { JsonObject, Sprint } from './index.ts';

/** A flow of nodes one after the other, the last of which sends a message. */
function run(type: string, data: (n: number) => object, context: JsonObject, count = 20): Sprint {
  const nodes = [
    { id: 'start', type: 'entry', data: {} },
    ...Array.from({ length: count }, (_, n) => ({ id: `n${n}`, type, data: data(n) })),
    { id: 'last', type: 'send_message', data: { text: 'done' } },
  ];
  const edges = nodes.slice(1).map(({ id }, at) => ({
    source: nodes[at]!.id,
    target: id,
    ...(nodes[at]!.type === 'condition' && { sourceHandle: 'else' }),
  }));
  const definition = { nodes, edges };
  expect(checkFlow(definition, { sessionTtlMinutes: 30, channel: '' }).errors).toEqual([]);
  const flow = compileFlow(definition, {
    id: 'f',
    name: 'F',
    version: 1,
    sessionTtlMinutes: 30,
    channel: '',
  });
  const session = newSession(flow, { sessionId: 's', context, contact: {} }, 0);
  const begun = performance.now();
  const sprint = runSprint(flow, session, { type: 'start' }, 0);
  // Milliseconds, on a quiet machine tens of them; without the limit it would be thousands.
  expect(performance.now() - begun).toBeLessThan(2_000);
  return sprint;
}

const conditions = (comparison: object) => () => ({
  cases: Array.from({ length: 20 }, (_, n) => ({ id: `c${n}`, any: Array<object>(10).fill(comparison) })),
});
const quotes: JsonObject = {
  big: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`k${n}`, '"'.repeat(500)])),
};
const spaces: JsonObject = { big: ' '.repeat(60_000) };
const words = Array<string>(100).fill('zz');

describe('a sprint with too much to work out', () => {
  it.each<[string, () => Sprint]>([
    [
      'JSON written again and again',
      () =>
        run('condition', conditions({ left: '{{context.big|json}}', op: 'contains', right: 'zz' }), quotes),
    ],
    [
      'objects compared',
      () =>
        run(
          'condition',
          conditions({ left: '{{context.big}}', op: 'eq', right: '{{context.big.k1}}' }),
          quotes,
        ),
    ],
    [
      'objects on the right',
      () => run('condition', conditions({ left: 'zz', op: 'eq', right: '{{context.big}}' }), quotes),
    ],
    [
      'objects among many',
      () => run('condition', conditions({ left: '{{context.big}}', op: 'in', right: words }), quotes, 2),
    ],
    [
      'texts that could be numbers',
      () => run('condition', conditions({ left: '{{context.big}}', op: 'in', right: words }), spaces, 2),
    ],
    [
      'filters in a row',
      () => run('send_message', () => ({ text: `{{context.big${'|upper|lower'.repeat(300)}}}` }), spaces),
    ],
  ])('fails, and sends nothing that is not what it says: %s', (_what, sprintOf) => {
    const { state, effects } = sprintOf();
    expect(state).toMatchObject({ status: 'failed', wait: null, failure: { code: 'SPRINT_TOO_LONG' } });
    for (const effect of effects)
      expect(effect).not.toMatchObject({ text: expect.stringMatching(/^(done)?$/) });
  });

  it('is not one with a hundred long messages', () => {
    const text = '{{context.word|upper}} '.repeat(170);
    const { state, effects } = run('send_message', () => ({ text }), { word: 'x'.repeat(58) }, 98);
    expect(state.status).toBe('completed');
    expect(effects).toHaveLength(99);
  });
});

describe('patterns', () => {
  const matching = (count: number) => ({
    nodes: Array.from({ length: count }, (_, n) => ({
      id: `n${n}`,
      type: 'ask',
      data: { text: 'a', input: { kind: 'text', pattern: '(a|aa|b)*c(x?){90}$' } },
    })),
    edges: [],
  });

  it('may be 100 in a flow, and no more', () => {
    expect(checkFlow(matching(100), { sessionTtlMinutes: 30, channel: '' }).errors).toEqual([]);
    expect(checkFlow(matching(101), { sessionTtlMinutes: 30, channel: '' }).errors).toMatchObject([
      { code: 'TOO_MANY_PATTERNS', field: 'nodes[100].data' },
    ]);
  });

  it('are counted in conditions, too, before any is tried', () => {
    const all = Array.from({ length: 20 }, () => ({
      left: 'a',
      op: 'matches',
      right: '(a|aa|b)*c(x?){90}$',
    }));
    const cases = Array.from({ length: 20 }, (_, n) => ({ id: `c${n}`, all }));
    const begun = performance.now();
    const nodes = [{ id: 'n', type: 'condition', data: { cases } }];
    expect(
      checkFlow({ nodes, edges: [] }, { sessionTtlMinutes: 30, channel: '' }).errors.map(({ code }) => code),
    ).toEqual(['TOO_MANY_PATTERNS']);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});
