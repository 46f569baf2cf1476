import { describe, expect, it } from '@jest/globals';
import { checkFlow } from './check-flow.ts';
import { NODE_TYPES } from './flow-node.ts';

const SETTINGS = { sessionTtlMinutes: 30, channel: '' };
const check = (definition: unknown) => checkFlow(definition, SETTINGS);
const list = <Item>(length: number, item: (index: number) => Item) =>
  Array.from({ length }, (_, i) => item(i));
const message = (i: number) => ({ id: `n${i}`, type: 'send_message', data: { text: 'Hi {{contact.name}}' } });

/** Every JSON value that could stand where it should not. */
const VALUES: unknown[] = [null, true, 0, -1, 1e308, '', 'x', [], {}, [[]], { length: 3 }];

describe('checkFlow on hostile definitions', () => {
  it.each([null, 1, 'x', [], true, {}, { nodes: {}, edges: {} }, { nodes: [], edges: 'x' }])(
    'refuses %j as no graph',
    (definition) => {
      const { errors, warnings, entryNodeId } = check(definition);
      expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['GRAPH_MALFORMED']));
      expect({ warnings, entryNodeId }).toEqual({ warnings: [], entryNodeId: '' });
    },
  );

  it('answers whatever stands in the place of a node, an edge or any of their keys', () => {
    const keys = ['text', 'template', 'media', 'choices', 'input', 'cases', 'assign', 'tags_add', 'minutes'];
    for (const value of VALUES) {
      check({ nodes: [value, { id: value }, { id: 'a', type: value }], edges: [value, { source: value }] });
      check({ nodes: [], edges: [{ source: value, target: value, sourceHandle: value }] });
      for (const type of NODE_TYPES) {
        check({ nodes: [{ id: 'a', type, data: value }], edges: [] });
        for (const key of [...keys, 'headers', 'url', 'queue', 'outcome']) {
          check({ nodes: [{ id: 'a', type, data: { [key]: value } }], edges: [] });
          check({ nodes: [{ id: 'a', type, data: { [key]: [value] } }], edges: [] });
        }
      }
    }
  });

  it('treats ids, handles and keys that objects inherit like any other', () => {
    const definition = JSON.parse(`{
      "__proto__": { "nodes": 1 }, "constructor": 1,
      "nodes": [
        { "id": "__proto__", "type": "entry", "__proto__": { "type": "end" }, "data": { "__proto__": { "text": 1 } } },
        { "id": "constructor", "type": "ask", "data": { "text": "?", "choices": [
          { "id": "__proto__", "title": "A" }, { "id": "hasOwnProperty", "title": "B" } ] } },
        { "id": "toString", "type": "send_message", "data": { "template": { "name": "x", "language": "en",
          "variables": { "__proto__": "{{context.__proto__}}", "constructor": "x" } } } },
        { "id": "valueOf", "type": "end" }
      ],
      "edges": [
        { "source": "__proto__", "target": "constructor" },
        { "source": "constructor", "sourceHandle": "__proto__", "target": "toString" },
        { "source": "constructor", "sourceHandle": "hasOwnProperty", "target": "valueOf" },
        { "source": "toString", "target": "valueOf" }
      ] }`) as unknown;
    expect(check(definition)).toEqual({ errors: [], warnings: [], entryNodeId: '__proto__' });
    expect(({} as Record<string, unknown>)['text']).toBeUndefined();
  });

  it('is not bothered by nesting 100 000 levels deep', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    const nodes = [
      { id: 'a', type: 'send_message', data: { text: deep } },
      { id: 'b', type: 'condition', data: { cases: deep } },
      { id: 'c', type: 'entry', data: deep, extra: deep },
    ];
    expect(check({ nodes, edges: [{ source: deep, target: 'a', sourceHandle: deep }] }).errors).not.toEqual(
      [],
    );
  });

  it.each([
    ['nodes without ids', { nodes: list(1000, () => ({})), edges: [] }],
    ['broken data', { nodes: list(1000, (i) => ({ id: `${i}`, type: 'ask' })), edges: [] }],
    [
      'edges to nowhere',
      { nodes: [], edges: list(100_000, () => ({ source: 'x'.repeat(500), target: 'y' })) },
    ],
    [
      'edges from one handle',
      { nodes: [message(0)], edges: list(100_000, () => ({ source: 'n0', target: 'n0' })) },
    ],
  ])('stops at 100 errors, shortly told, where there are more of %s', (_what, definition) => {
    const { errors } = check(definition);
    expect(errors).toHaveLength(100);
    expect(JSON.stringify(errors).length).toBeLessThan(100_000);
  });

  it.each([
    ['choices', 'ask', { text: '?', choices: list(100_000, () => 1) }, 'must not have more than 10 items'],
    [
      'assign',
      'set',
      { assign: Object.fromEntries(list(100_000, (i) => [`k${i}`, {}])) },
      'must not have more than 50 keys',
    ],
  ])('does not look into %s when there are 100 000 of them', (key, type, data, problem) => {
    expect(check({ nodes: [{ id: 'a', type, data }], edges: [] }).errors).toEqual([
      { code: 'NODE_DATA_INVALID', field: `nodes[0].data.${key}`, message: problem, nodeId: 'a' },
    ]);
  });

  it('stops at 100 warnings', () => {
    expect(check({ nodes: list(1000, message), edges: [] }).warnings).toHaveLength(100);
  });

  it('takes a chain of 1000 nodes and refuses 1001', () => {
    const edges = list(999, (i) => ({ source: `n${i}`, target: `n${i + 1}` }));
    const nodes = [
      { id: 'n0', type: 'entry' },
      ...list(998, (i) => message(i + 1)),
      { id: 'n999', type: 'end' },
    ];
    expect(check({ nodes, edges })).toEqual({ errors: [], warnings: [], entryNodeId: 'n0' });

    const { errors } = check({ nodes: [...nodes, message(1000)], edges });
    expect(errors).toMatchObject([{ code: 'TOO_MANY_NODES', field: 'nodes' }]);
  });

  it('finds every cycle among 1000 nodes that all lead to all others', () => {
    const nodes = list(1000, (i) => ({
      id: `n${i}`,
      type: 'condition',
      data: { cases: list(20, (k) => ({ id: `c${k}`, any: [{ left: 'x', op: 'exists' }] })) },
    }));
    const edges = list(20_000, (i) => ({
      source: `n${i % 1000}`,
      sourceHandle: `c${Math.floor(i / 1000)}`,
      target: `n${(i * 7919) % 1000}`,
    }));
    const { errors } = check({ nodes, edges });
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['CYCLE_WITHOUT_WAIT']));
  });
});
