import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from './json-value.ts';
import type { HttpAnswer } from './session-state.ts';
import { Conversation, entry, get, graph, MINUTE, node, say } from './testing/conversation.ts';

const calling = (more: object = {}, edges = ['call.success -> good', 'call.failure -> bad']) =>
  graph([entry, get('call', more), say('good', 'Good'), say('bad', 'Bad')], 'start -> call', ...edges);
const called = (answer: HttpAnswer) => new Conversation(calling({ save_as: 'shop' })).answer(answer);
const bodyOf = (body: string) =>
  (called({ status: 200, body }).state.context['shop'] as Record<string, JsonValue>)['body'];

describe('an HTTP request', () => {
  it('is what the session waits for, with the effect’s id to send along', () => {
    const conversation = new Conversation(
      calling({
        method: 'POST',
        url: 'https://shop.example/carts/{{context.id | urlencode}}?v={{flow.version}}',
        headers: { Authorization: 'Bearer {{context.token}}', 'X-Empty': '{{context.missing}}' },
        body: '{"id":{{context.id | json}}}',
        timeout_ms: 500,
      }),
      { context: { id: 'a/b', token: 't' } },
    );
    expect(conversation.state.wait).toEqual({
      id: 1,
      nodeId: 'call',
      kind: 'http',
      until: null,
      request: {
        effectId: 's-1.2',
        method: 'POST',
        url: 'https://shop.example/carts/a%2Fb?v=3',
        headers: [
          ['Authorization', 'Bearer t'],
          ['X-Empty', ''],
        ],
        body: '{"id":"a/b"}',
        timeoutMs: 500,
      },
    });
    expect(conversation.last.effects).toEqual([]);
    expect(conversation.last.timeline[1]).toEqual({
      number: 2,
      type: 'node',
      nodeId: 'call',
      handle: '',
      detail: {
        node: 'http_request',
        effect_id: 's-1.2',
        method: 'POST',
        url: 'https://shop.example/carts/a%2Fb?v=3',
        wait_id: 1,
      },
      warnings: ['context.missing has no value'],
    });
  });

  it('without headers, body and timeout has none, and ten seconds', () => {
    const { wait } = new Conversation(calling()).state;
    expect(wait).toMatchObject({ request: { headers: [], body: null, timeoutMs: 10_000 } });
  });

  it('has headers of one line in Latin-1, whatever the values are', () => {
    const header = (value: string) => {
      const conversation = new Conversation(calling({ headers: { A: '{{context.a}}' } }), {
        context: { a: value },
      });
      const { wait } = conversation.state;
      return wait?.kind === 'http' ? wait.request.headers : [];
    };
    expect(header('x\r\nHost: evil')).toEqual([['A', 'x Host: evil']]);
    expect(header('a\tb\u0001\u007fc\0d')).toEqual([['A', 'a b cd']]);
    expect(header('é€🦜 ~')).toEqual([['A', 'é??? ~']]);
    expect(header('\u0080\u00ff\u0100')).toEqual([['A', '\u0080\u00ff?']]);
  });
});

describe('the answer to an HTTP request', () => {
  it.each([
    [200, 'success', 'Good'],
    [204, 'success', 'Good'],
    [299, 'success', 'Good'],
    [199, 'failure', 'Bad'],
    [300, 'failure', 'Bad'],
    [404, 'failure', 'Bad'],
    [500, 'failure', 'Bad'],
  ])('of status %i leaves by %s', (status, handle, text) => {
    const conversation = new Conversation(calling()).answer({ status, body: '' });
    expect(conversation.last.timeline[0]).toEqual({
      number: 3,
      type: 'http_answer',
      nodeId: 'call',
      handle,
      detail: { wait_id: 1, status },
      warnings: [],
    });
    expect(conversation.texts).toEqual([text]);
  });

  it('that did not come leaves by failure, with the reason', () => {
    const conversation = called({ error: `no\0route ${'x'.repeat(2_000)}` });
    const error = `noroute ${'x'.repeat(992)}`;
    expect(conversation.last.timeline[0]).toMatchObject({ handle: 'failure', detail: { wait_id: 1, error } });
    expect(conversation.state.context).toEqual({ shop: { error } });
  });

  it('is kept under save_as with its status, whatever that was', () => {
    expect(called({ status: 200, body: '{"total":1}' }).state.context).toEqual({
      shop: { status: 200, body: { total: 1 } },
    });
    expect(called({ status: 404, body: 'gone' }).state.context).toEqual({
      shop: { status: 404, body: 'gone' },
    });
  });

  it('is not kept without save_as', () => {
    expect(new Conversation(calling()).answer({ status: 200, body: '{}' }).state.context).toEqual({});
  });

  it('can be read by what follows', () => {
    const definition = graph(
      [
        entry,
        get('call', { save_as: 'cart' }),
        node('if', 'condition', {
          cases: [{ id: 'big', all: [{ left: '{{context.cart.body.items.1.price}}', op: 'gt', right: 5 }] }],
        }),
        say('hi', '{{context.cart.status}} {{context.cart.body.items.1.name}}'),
      ],
      'start -> call',
      'call.success -> if',
      'if.big -> hi',
    );
    const conversation = new Conversation(definition);
    conversation.answer({ status: 200, body: '{"items":[{},{"name":"{{flow.id}}","price":9}]}' });
    expect(conversation.texts).toEqual(['200 {{flow.id}}']);
  });

  it.each([
    ['null', null],
    ['"text"', 'text'],
    ['[1,{"a":[]}]', [1, { a: [] }]],
    ['', ''],
    ['<html>', '<html>'],
    ['{"a":1', '{"a":1'],
    ['a\0b\ud800', 'ab\ufffd'],
    ['{"a":"x\\u0000y\\ud800"}', { a: 'xy\ufffd' }],
    ['{"a\\u0000":1,"\\udc00":{"\\u0000":2}}', { a: 1, '\ufffd': { '': 2 } }],
    ['1e999', '1e999'],
    ['{"id":12345678901234567890}', { id: '12345678901234567890' }],
    ['[9007199254740991,9007199254740992,-1e400]', [9_007_199_254_740_991, '9007199254740992', '-1e400']],
    ['[1.5,1e3,0.1]', [1.5, 1_000, 0.1]],
  ])('%j is read as %j', (body, value) => {
    expect(bodyOf(body)).toEqual(value);
  });

  it('may name its keys as prototypes are named, and changes none', () => {
    const body = '{"__proto__":{"polluted":1,"a\\u0000":2},"constructor":{"prototype":{"polluted":1}}}';
    const value = bodyOf(body) as object;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(JSON.stringify(value)).toBe(body.replace('\\u0000', ''));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('nested without end does not bring the engine down', () => {
    const conversation = new Conversation(calling({ save_as: 'shop' }));
    conversation.answer({ status: 200, body: '['.repeat(100_000) + ']'.repeat(100_000) });
    expect(conversation.state.status).toBe('failed');
    expect(new Conversation(calling()).answer({ status: 200, body: '['.repeat(100_000) }).texts).toEqual([
      'Good',
    ]);
  });

  it('that fails without an edge for it fails the session; that succeeds completes it', () => {
    const conversation = new Conversation(calling({}, [])).answer({ status: 500, body: '' });
    expect(conversation.state).toMatchObject({
      status: 'failed',
      nodeId: 'call',
      wait: null,
      failure: { code: 'HTTP_REQUEST_FAILED', nodeId: 'call' },
    });
    expect(new Conversation(calling({}, [])).answer({ status: 200, body: '' }).rest).toBe(
      'completed call nothing',
    );
  });

  it('is too late once the session has expired', () => {
    const conversation = new Conversation(calling()).pass(30 * MINUTE).answer({ status: 200, body: '' });
    expect(conversation.story).toEqual(['expired call']);
  });
});
