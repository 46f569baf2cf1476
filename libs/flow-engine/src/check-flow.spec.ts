import { describe, expect, it } from '@jest/globals';
import { checkFlow } from './check-flow.ts';

const SETTINGS = { sessionTtlMinutes: 30, channel: '' };
const check = (nodes: unknown, edges: unknown) => checkFlow({ nodes, edges }, SETTINGS);
const brief = (problems: { code: string; field: string; nodeId: string }[]) =>
  problems.map(({ code, field, nodeId }) => [code, field, nodeId].filter((part) => part !== '').join(' '));

const entry = { id: 'start', type: 'entry' };
const end = { id: 'end', type: 'end' };
const say = (id: string) => ({ id, type: 'send_message', data: { text: 'Hi' } });
const ask = (id: string, more: object = {}) => ({
  id,
  type: 'ask',
  data: { text: 'Well?', choices: [{ id: 'yes', title: 'Yes' }], ...more },
});
const http = { id: 'http', type: 'http_request', data: { method: 'GET', url: 'https://shop.example' } };
const request = (more: object) => ({ ...http, id: 'a', data: { ...http.data, ...more } });
const wait = (data: object) => ({ id: 'wait', type: 'delay', data });
const edge = (source: string, target: string, sourceHandle?: string | null) => ({
  source,
  target,
  sourceHandle,
});

describe('checkFlow', () => {
  it.each([
    [ask('a'), 'default', 'the node has no handle "default", but "yes", "invalid"'],
    [ask('a'), 'timeout', 'the node has no handle "timeout": it has no timeout_minutes'],
    [{ ...end, id: 'a' }, 'default', 'the node has no handle "default": the session is over there'],
  ])('says which handles %j has instead of %s', (node, handle, message) => {
    expect(check([entry, node], [edge('a', 'start', handle)]).errors.map((error) => error.message)).toEqual([
      message,
    ]);
  });

  it('accepts a flow as an editor of the React Flow family writes it, and names its entry node', () => {
    const picture = { position: { x: 1, y: 2 }, width: 100, selected: true, dragging: false };
    const definition = {
      nodes: [
        { ...picture, ...entry, data: { label: 'Start' } },
        { ...picture, ...ask('ask', { timeout_minutes: 10, note: 'mine' }) },
        { ...picture, ...end },
      ],
      edges: [
        { ...edge('start', 'ask', null), id: 'e1', targetHandle: null, animated: true },
        edge('ask', 'end', 'yes'),
        edge('ask', 'end', 'timeout'),
      ],
      viewport: { x: 0, y: 0, zoom: 1 },
    };
    expect(checkFlow(definition, SETTINGS)).toEqual({ errors: [], warnings: [], entryNodeId: 'start' });
  });

  it.each<[string, unknown[], unknown[], string[]]>([
    ['a node that is no object', [entry, 'x'], [], ['GRAPH_MALFORMED nodes[1]']],
    ['a node without an id', [{ type: 'entry' }], [], ['GRAPH_MALFORMED nodes[0].id']],
    ['an id of 65 characters', [{ ...entry, id: 'x'.repeat(65) }], [], ['GRAPH_MALFORMED nodes[0].id']],
    ['a duplicate id', [entry, end, say('end')], [], ['NODE_ID_DUPLICATE nodes[2].id end']],
    ['an unknown type', [{ id: 'a', type: 'loop' }], [], ['NODE_TYPE_UNKNOWN nodes[0].type a']],
    ['no type', [{ id: 'a' }], [], ['NODE_TYPE_UNKNOWN nodes[0].type a']],
    [
      'a type that objects inherit',
      [{ id: 'a', type: 'toString' }],
      [],
      ['NODE_TYPE_UNKNOWN nodes[0].type a'],
    ],
    ['two entry nodes', [entry, { ...entry, id: 'b' }], [], ['ENTRY_NODE_TWICE nodes[1].type b']],
    ['an edge that is no object', [entry], [null], ['GRAPH_MALFORMED edges[0]']],
    ['an edge without a source', [entry], [{ target: 'start' }], ['GRAPH_MALFORMED edges[0].source']],
    ['an edge from nowhere', [entry], [edge('x', 'start')], ['EDGE_TO_NOWHERE edges[0].source']],
    ['an edge to nowhere', [entry], [edge('start', 'constructor')], ['EDGE_TO_NOWHERE edges[0].target']],
    [
      'a handle that is no text',
      [entry, end],
      [{ ...edge('start', 'end'), sourceHandle: 1 }],
      ['GRAPH_MALFORMED edges[0].sourceHandle start'],
    ],
    [
      'an edge from an end',
      [entry, end],
      [edge('end', 'start')],
      ['HANDLE_UNKNOWN edges[0].sourceHandle end'],
    ],
    ['the default handle of ask', [ask('a')], [edge('a', 'a')], ['HANDLE_UNKNOWN edges[0].sourceHandle a']],
    [
      'tags with spaces around them, or nothing else',
      [entry, { id: 'a', type: 'set', data: { tags_add: ['vip ', 'v ip'], tags_remove: ['  '] } }],
      [],
      ['NODE_DATA_INVALID nodes[1].data.tags_add[0] a', 'NODE_DATA_INVALID nodes[1].data.tags_remove[0] a'],
    ],
    [
      'the timeout of an ask that has none',
      [ask('a')],
      [edge('a', 'a', 'timeout')],
      ['HANDLE_UNKNOWN edges[0].sourceHandle a'],
    ],
    [
      'two edges from one handle, once by its name',
      [entry, end],
      [edge('start', 'end'), edge('start', 'end', 'default')],
      ['HANDLE_TWICE edges[1].sourceHandle start'],
    ],
    [
      'choices that an answer in words could not tell apart, and blank ones',
      [
        ask('a', {
          input: undefined,
          choices: ['Straße', 'x', 'STRASSE ', '\u200b '].map((title, n) => ({ id: `c${n}`, title })),
        }),
      ],
      [],
      [
        'NODE_DATA_INVALID nodes[0].data.choices[2].title a',
        'NODE_DATA_INVALID nodes[0].data.choices[3].title a',
      ],
    ],
    [
      'headers that cannot be sent, or are there twice',
      [
        request({
          headers: { Expect: '100-continue', 'X-A': '1', upgrade: 'x', 'x-a': '2', 'Keep-Alive': '3' },
        }),
      ],
      [],
      ['Expect', 'upgrade', 'x-a', 'Keep-Alive'].map(
        (name) => `NODE_DATA_INVALID nodes[0].data.headers.${name} a`,
      ),
    ],
    [
      'a path that is folded',
      [request({ url: 'https://shop.example/carts/../{{context.id | urlencode}}' })],
      [],
      ['NODE_DATA_INVALID nodes[0].data.url a'],
    ],
    ['a node that leads to itself', [say('a')], [edge('a', 'a')], ['CYCLE_WITHOUT_WAIT edges[0] a']],
    [
      'a cycle back to the entry node',
      [entry, say('a'), say('b')],
      [edge('start', 'a'), edge('a', 'b'), edge('b', 'start')],
      ['CYCLE_WITHOUT_WAIT edges[2] b'],
    ],
  ])('refuses %s', (_what, nodes, edges, problems) => {
    const { errors, entryNodeId } = check(nodes, edges);
    expect(brief(errors)).toEqual(problems);
    expect(entryNodeId).toBe('');
  });

  it.each<[string, object, string | undefined]>([
    ['a reply', ask('wait'), 'yes'],
    ['the clock', wait({ seconds: 1 }), undefined],
    ['an answer over HTTP', { ...http, id: 'wait' }, 'failure'],
  ])('accepts a cycle that waits for %s', (_what, waiting, handle) => {
    expect(check([say('a'), waiting], [edge('a', 'wait'), edge('wait', 'a', handle)]).errors).toEqual([]);
  });

  it('reads the edges of a node whose data is invalid, but not their handles', () => {
    const { errors, warnings } = check(
      [entry, ask('a', { choices: [] }), end],
      [edge('start', 'a'), edge('a', 'end', 'x')],
    );
    expect(brief(errors)).toEqual(['NODE_DATA_INVALID nodes[1].data.choices a']);
    expect(warnings).toEqual([]);
  });

  it.each<[string, unknown[], unknown[], string[]]>([
    ['no entry node, and only of that', [end, say('a')], [edge('a', 'end')], ['NO_ENTRY_NODE nodes']],
    ['no nodes', [], [], ['NO_ENTRY_NODE nodes']],
    [
      'nodes out of reach',
      [entry, end, { ...end, id: 'b' }],
      [edge('start', 'end')],
      ['NODE_UNREACHABLE nodes[2] b'],
    ],
    [
      'handles without an edge, save invalid and failure',
      [entry, ask('a', { timeout_minutes: 5 }), http],
      [edge('start', 'a'), edge('a', 'http', 'yes')],
      ['HANDLE_WITHOUT_EDGE nodes[1] a', 'HANDLE_WITHOUT_EDGE nodes[2] http'],
    ],
    [
      'fields that are written much like those there are, and no others',
      [
        entry,
        {
          ...http,
          data: { ...http.data, saveAs: 'a', 'Timeout-MS': 100, label: 'Ask the shop', body_template: '' },
        },
        end,
      ],
      [edge('start', 'http'), edge('http', 'end', 'success')],
      ['FIELD_UNKNOWN nodes[1].data.saveAs http', 'FIELD_UNKNOWN nodes[1].data.Timeout-MS http'],
    ],
    [
      'fields that miss or have a letter too many, or are begun, also within others',
      [
        entry,
        ask('a', { timout_minutes: 10, save: 'x', choices: [{ id: 'yes', title: 'Yes', tilte: 'No' }] }),
        {
          id: 'b',
          type: 'send_message',
          data: { template: { name: 'hi', language: 'en', variable: { a: 'b' }, nam: 1 } },
        },
        {
          id: 'c',
          type: 'condition',
          data: { cases: [{ id: 'x', al: [], any: [{ left: '{{context.a}}', op: 'exists' }] }] },
        },
      ],
      [
        edge('start', 'a'),
        edge('a', 'b', 'yes'),
        edge('b', 'c'),
        edge('c', 'a', 'x'),
        edge('c', 'start', 'else'),
      ],
      [
        'FIELD_UNKNOWN nodes[1].data.timout_minutes a',
        'FIELD_UNKNOWN nodes[1].data.save a',
        'FIELD_UNKNOWN nodes[2].data.template.variable b',
      ],
    ],
    [
      'a comparison of a text that is always the same',
      [
        entry,
        {
          id: 'c',
          type: 'condition',
          data: { cases: [{ id: 'x', all: [{ left: 'context.total', op: 'gt', right: 1 }] }] },
        },
        end,
      ],
      [edge('start', 'c'), edge('c', 'end', 'x'), edge('c', 'end', 'else')],
      ['COMPARISON_CONSTANT nodes[1].data.cases[0].all[0].left c'],
    ],
    [
      'values that are never there, wherever they are read',
      [
        entry,
        ask('a', {
          text: 'Hi {{contact.first_name}} of {{contact.metadata.first_name}}',
          invalid_text: '{{reply.foo}}',
        }),
        {
          id: 'b',
          type: 'set',
          data: { assign: { 'context.a': '{{session.ttl}} {{flow.name}} {{context.ttl}}' } },
        },
      ],
      [edge('start', 'a'), edge('a', 'b', 'yes'), edge('b', 'a')],
      [
        'VALUE_UNKNOWN nodes[1].data.text a',
        'VALUE_UNKNOWN nodes[1].data.invalid_text a',
        'VALUE_UNKNOWN nodes[2].data.assign.context.a b',
      ],
    ],
    [
      'a body that its values keep from being JSON',
      [entry, request({ method: 'POST', body: '{"n": "{{context.n | json}}"}' }), end],
      [edge('start', 'a'), edge('a', 'end', 'success')],
      ['BODY_NOT_JSON nodes[1].data.body a'],
    ],
    [
      'a body whose escape another filter undoes',
      [
        entry,
        request({
          method: 'POST',
          body: '{"n": {{context.n | json | upper}}, "m": {{context.m | json | default: "1"}}}',
        }),
        end,
      ],
      [edge('start', 'a'), edge('a', 'end', 'success')],
      ['VALUE_UNESCAPED nodes[1].data.body a'],
    ],
    [
      'no JSON in a body that is one value',
      [entry, request({ method: 'POST', body: '{{context.n}}' }), end],
      [edge('start', 'a'), edge('a', 'end', 'success')],
      [],
    ],
    [
      'timeouts and delays that together pass the end of the session, on the quickest way there',
      [
        entry,
        ask('a', { timeout_minutes: 20 }),
        wait({ seconds: 300 }),
        ask('b', { timeout_minutes: 5 }),
        end,
      ],
      [
        edge('start', 'a'),
        edge('a', 'wait', 'timeout'),
        edge('a', 'end', 'yes'),
        edge('wait', 'b'),
        edge('b', 'end', 'timeout'),
        edge('b', 'a', 'yes'),
      ],
      ['TIMEOUT_NOT_SHORTER_THAN_TTL nodes[3].data.timeout_minutes b'],
    ],
    [
      'no timeout behind an answer, nor one that leads back to its question',
      [
        entry,
        wait({ minutes: 5 }),
        ask('a', { timeout_minutes: 20 }),
        ask('b', { timeout_minutes: 29 }),
        end,
      ],
      [
        edge('start', 'wait'),
        edge('wait', 'a'),
        edge('a', 'a', 'timeout'),
        edge('a', 'b', 'yes'),
        edge('b', 'a', 'timeout'),
        edge('b', 'end', 'yes'),
      ],
      [],
    ],
    [
      'values that stand raw in a request, where people may have written them',
      [
        entry,
        {
          ...http,
          data: { method: 'POST', url: 'https://a.example/{{reply.text}}', body: '{"a":"{{context.a}}"}' },
        },
        end,
      ],
      [edge('start', 'http'), edge('http', 'end', 'success')],
      ['VALUE_UNESCAPED nodes[1].data.url http', 'VALUE_UNESCAPED nodes[1].data.body http'],
    ],
    [
      'no value that is escaped, a number, ours, or in a text that is no JSON',
      [
        entry,
        {
          ...http,
          data: {
            method: 'POST',
            url: 'https://a.example/{{reply.text | upper | urlencode}}?n={{context.n | number: 2}}&s={{session.id}}',
            body: '{"a":{{context.a | json}},"at":"{{context.at | date}}"}',
          },
        },
        {
          ...http,
          id: 'text',
          data: { method: 'POST', url: 'https://a.example', body: 'Hello {{contact.name}}' },
        },
        end,
      ],
      [edge('start', 'http'), edge('http', 'text', 'success'), edge('text', 'end', 'success')],
      [],
    ],
    [
      'a timeout as long as the session',
      [entry, ask('a', { timeout_minutes: 30 }), end],
      [edge('start', 'a'), edge('a', 'end', 'yes'), edge('a', 'end', 'timeout')],
      ['TIMEOUT_NOT_SHORTER_THAN_TTL nodes[1].data.timeout_minutes a'],
    ],
    [
      'a delay as long as the session',
      [entry, wait({ seconds: 1800 }), end],
      [edge('start', 'wait'), edge('wait', 'end')],
      ['TIMEOUT_NOT_SHORTER_THAN_TTL nodes[1].data.seconds wait'],
    ],
  ])('warns of %s', (_what, nodes, edges, problems) => {
    const { errors, warnings } = check(nodes, edges);
    expect(errors).toEqual([]);
    expect(brief(warnings)).toEqual(problems);
  });

  it.each([
    ['one second shorter', wait({ seconds: 1799 })],
    ['one minute shorter', wait({ minutes: 29 })],
  ])('accepts a delay %s than the session', (_what, delay) => {
    expect(check([entry, delay, end], [edge('start', 'wait'), edge('wait', 'end')]).warnings).toEqual([]);
  });
});
