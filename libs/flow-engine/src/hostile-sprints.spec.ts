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
const anyOf = (any: object[]) => () => ({ cases: [{ id: 'c', any }] });
const quotes: JsonObject = {
  big: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`k${n}`, '"'.repeat(500)])),
};
const spaces: JsonObject = { big: ' '.repeat(60_000) };
const words = Array<string>(100).fill('zz');
const numbers: JsonObject = { big: Array<number>(12_000).fill(1e-7) };
const keys: JsonObject = Object.fromEntries(
  Array.from({ length: 7_000 }, (_, n) => [`${n.toString(36)}_`, 1]),
);
/** As many of these as a text may hold. */
const filtered = (filter: string) => () => ({
  assign: { 'context.x': `{{context.big|${filter}}}`.repeat(170) },
});
/** Makes letters a and b in no order. */
let seed = 1;
const letters = Array.from({ length: 4_096 }, () => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return seed >>> 31 ? 'a' : 'b';
}).join('');

/** How often something takes as long as something else, each at its best of three. */
function timesAsLong(one: () => unknown, other: () => unknown): number {
  const best = (run: () => unknown) =>
    Math.min(
      ...[1, 2, 3].map(() => {
        const begun = performance.now();
        run();
        return performance.now() - begun;
      }),
    );
  return best(one) / best(other);
}

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
    ['lists that no filter can make anything of', () => run('set', filtered('date'), numbers, 1)],
    ['texts that no filter can make anything of', () => run('set', filtered('number'), spaces, 3)],
    ['a context copied', () => run('set', (n) => ({ assign: { [`context.x${n}`]: 1 } }), keys, 60)],
    [
      'objects whose keys are counted',
      () => run('condition', conditions({ left: '{{context.o}}', op: 'empty' }), { o: keys }),
    ],
    [
      'elements compared',
      () =>
        run(
          'condition',
          conditions({ left: '{{context.big}}', op: 'contains', right: 'x' }),
          {
            big: Array<number>(20_000).fill(1),
          },
          2,
        ),
    ],
    [
      'a text searched for one that nearly is all over it',
      () =>
        run(
          'condition',
          anyOf(Array<object>(5).fill({ left: '{{context.a}}', op: 'contains', right: '{{context.b}}' })),
          { a: 'a'.repeat(48_000), b: `${'a'.repeat(20)}b${'a'.repeat(7_000)}` },
          1,
        ),
    ],
    [
      'patterns of which much is under way at once',
      () =>
        run(
          'condition',
          anyOf(
            Array.from({ length: 5 }, (_, n) => ({
              left: '{{context.big}}',
              op: 'matches',
              right: `[ab]*a[ab]{${960 - n}}[cd]`,
            })),
          ),
          { big: letters },
          1,
        ),
    ],
  ])('fails, and sends nothing that is not what it says: %s', (_what, sprintOf) => {
    const { state, effects } = sprintOf();
    expect(state).toMatchObject({ status: 'failed', wait: null, failure: { code: 'SPRINT_TOO_LONG' } });
    for (const effect of effects)
      expect(effect).not.toMatchObject({ text: expect.stringMatching(/^(done)?$/) });
  });

  it('is not one that changes fifty places of a large context in each of ten nodes', () => {
    const places = Array.from({ length: 50 }, (_, at) => `x${at}`);
    const changes = (n: number) => ({
      assign: Object.fromEntries(places.map((name, at) => [`context.${at % 2 ? 'in.' : ''}${name}`, n])),
    });
    const { state } = run('set', changes, { in: keys }, 10);
    expect(state.status).toBe('completed');
    expect(state.context).toMatchObject({ x0: 9, x48: 9, in: { ...keys, x1: 9, x49: 9 } });
  });

  it('is not one with ordinary patterns and long answers', () => {
    const right = '^[A-Za-z0-9._+-]+@(?:[a-z0-9-]+\\.)+[a-z]{2,12}$';
    const any = Array<object>(5).fill({ left: '{{context.big}}', op: 'matches', right });
    const { state } = run('condition', () => ({ cases: [{ id: 'c', any }] }), { big: letters }, 6);
    expect(state.status).toBe('completed');
  });

  it('takes no longer to look for a long text among the elements of a list than for a short one', () => {
    const lookFor = (text: string) => () =>
      run(
        'condition',
        () => ({
          cases: [
            { id: 'c', any: [{ left: '{{context.list}}', op: 'contains', right: '{{context.text}}' }] },
          ],
        }),
        { list: Array<number>(4_000).fill(1), text },
        1,
      );
    expect(timesAsLong(lookFor(`${' '.repeat(32_000)}x`), lookFor(' x'))).toBeLessThan(10);
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

  it('may be 30 000 long in a flow with their repetitions written out, and no longer', () => {
    const flow = (count: number) => {
      const all = Array.from({ length: count }, () => ({
        left: 'a',
        op: 'matches',
        right: '(?:.{1,10}){1,99}x{1,10}',
      }));
      const cases = [
        { id: 'a', all: all.slice(0, 20) },
        { id: 'b', all: all.slice(20) },
      ];
      return { nodes: [{ id: 'n', type: 'condition', data: { cases } }], edges: [] };
    };
    expect(checkFlow(flow(30), { sessionTtlMinutes: 30, channel: '' }).errors).toEqual([]);
    expect(checkFlow(flow(31), { sessionTtlMinutes: 30, channel: '' }).errors).toEqual([
      {
        code: 'TOO_MANY_PATTERNS',
        field: 'nodes[0].data',
        message:
          'the patterns of a flow must not be longer than 30000 together once repetitions are written out',
        nodeId: '',
      },
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
