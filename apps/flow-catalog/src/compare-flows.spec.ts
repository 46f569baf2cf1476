import { describe, expect, it } from '@jest/globals';
import { compareFlows, type FlowContent } from './compare-flows.ts';

const flow = (definition: unknown, change: Partial<FlowContent> = {}): FlowContent => ({
  name: 'Cart',
  sessionTtlMinutes: 30,
  channel: '',
  definition: JSON.stringify(definition),
  ...change,
});
const node = (id: string, text: string, more = {}) => ({ id, type: 'send_message', data: { text }, ...more });

describe('comparing two flows', () => {
  it('finds no difference in positions, order and a default handle that is written out', () => {
    const before = {
      nodes: [node('a', 'Hi', { position: { x: 1, y: 2 } }), node('b', 'Bye')],
      edges: [{ id: 'e1', source: 'a', target: 'b' }],
    };
    const after = {
      nodes: [node('b', 'Bye'), node('a', 'Hi', { selected: true })],
      edges: [{ source: 'a', sourceHandle: 'default', target: 'b' }],
      viewport: { zoom: 2 },
    };
    expect(compareFlows(flow(before), flow(after))).toEqual([]);
  });

  it('names what was added, removed and changed, with what it was and is', () => {
    const before = { nodes: [node('a', 'Hi'), node('b', 'Bye')], edges: [{ source: 'a', target: 'b' }] };
    const after = {
      nodes: [node('a', 'Hello'), node('c', 'New')],
      edges: [{ source: 'a', sourceHandle: 'yes', target: 'c' }],
    };
    expect(
      compareFlows(flow(before), flow(after, { name: 'Basket', sessionTtlMinutes: 5 })).map(
        ({ subject, id, change, before: was, after: is }) => [subject, id, change, was, is],
      ),
    ).toEqual([
      ['name', '', 'changed', '"Cart"', '"Basket"'],
      [
        'settings',
        '',
        'changed',
        '{"session_ttl_minutes":30,"channel":null}',
        '{"session_ttl_minutes":5,"channel":null}',
      ],
      [
        'node',
        'a',
        'changed',
        '{"id":"a","type":"send_message","data":{"text":"Hi"}}',
        '{"id":"a","type":"send_message","data":{"text":"Hello"}}',
      ],
      ['node', 'b', 'removed', '{"id":"b","type":"send_message","data":{"text":"Bye"}}', ''],
      ['node', 'c', 'added', '', '{"id":"c","type":"send_message","data":{"text":"New"}}'],
      ['edge', 'a.default -> b', 'removed', '{"source":"a","sourceHandle":"default","target":"b"}', ''],
      ['edge', 'a.yes -> c', 'added', '', '{"source":"a","sourceHandle":"yes","target":"c"}'],
    ]);
  });

  it.each([[{}], [{ nodes: 1, edges: 'x' }], [{ nodes: [null, 3, {}], edges: [[], { source: {} }] }]])(
    'takes a draft that is no graph: %j',
    (broken) => {
      expect(() => compareFlows(flow(broken), flow({ nodes: [], edges: [] }))).not.toThrow();
    },
  );
});
