import { describe, expect, it } from '@jest/globals';
import { checkFlow } from './check-flow.ts';

const check = (type: string, data: unknown) =>
  checkFlow({ nodes: [{ id: 'n', type, data }], edges: [] }, { sessionTtlMinutes: 30, channel: '' }).errors;

const choices = [{ id: 'yes', title: 'Yes' }];
const http = { method: 'POST', url: 'https://shop.example/carts/{{context.cart_id | urlencode}}' };
const oneCase = (comparison: object) => ({ cases: [{ id: 'a', all: [comparison] }] });

describe('the data of a node', () => {
  it.each<[string, unknown]>([
    ['entry', undefined],
    ['entry', null],
    ['entry', { label: 'Start', text: 7 }],
    ['send_message', { text: 'x'.repeat(4096) }],
    [
      'send_message',
      { text: 'Hi', media: { type: 'image', url: '{{context.picture}}', caption: 'A picture' } },
    ],
    ['send_message', { template: { name: 'cart', language: 'pt_BR', variables: { 1: '{{contact.name}}' } } }],
    ['ask', { text: 'Well?', choices }],
    ['ask', { text: 'When?', input: { kind: 'date', pattern: '^2\\d' }, save_as: 'day', max_attempts: 1 }],
    ['condition', oneCase({ left: '{{context.total}}', op: 'gte', right: 10 })],
    ['condition', oneCase({ left: '{{context.total}}', op: 'eq', right: '' })],
    ['condition', oneCase({ left: '{{context.total}}', op: 'in', right: ['a', 1, true] })],
    ['condition', oneCase({ left: '{{context.total}}', op: 'exists' })],
    ['condition', oneCase({ left: '{{context.total}}', op: 'matches', right: '^\\d+$' })],
    ['condition', { cases: [{ id: 'a', any: [{ left: 'x', op: 'empty' }] }] }],
    ['set', { assign: { 'context.cart.total': '', 'context.paid': false, 'context.gone': null } }],
    ['set', { tags_add: ['vip'], tags_remove: ['new'] }],
    ['delay', { minutes: 1 }],
    ['delay', { seconds: 86_400 }],
    ['http_request', { ...http, headers: { 'X-Id': '{{session.id}}' }, body: '{}', save_as: 'cart' }],
    ['handoff', { queue: 'sales', note: '{{reply.text}}' }],
    ['end', {}],
  ])('of the type %s may be %j', (type, data) => {
    expect(check(type, data)).toEqual([]);
  });

  it.each<[string, unknown, string, string]>([
    ['send_message', {}, '', 'must have text or template, and only one of them'],
    ['send_message', 'text', '', 'must be an object'],
    ['send_message', { text: '' }, '.text', 'must not be empty'],
    ['send_message', { text: 'x'.repeat(4097) }, '.text', 'must not be longer than 4096 characters'],
    [
      'send_message',
      { text: 'x', media: { type: 'image', url: 'file:///etc/passwd' } },
      '.media.url',
      'must start with http://, https:// or a template',
    ],
    ['ask', { text: 'x' }, '', 'must have choices or input, and only one of them'],
    [
      'ask',
      { text: 'x', choices, input: { kind: 'text' } },
      '',
      'must have choices or input, and only one of them',
    ],
    ['ask', { text: 'x', choices: [...choices, ...choices] }, '.choices', 'must not have the same id twice'],
    [
      'ask',
      { text: 'x', choices: [{ id: 'timeout', title: 'x' }] },
      '.choices[0].id',
      'must not be default or answered, invalid, timeout: those are handles already',
    ],
    [
      'ask',
      { text: 'x', choices: [{ id: 'a', title: '{{context.a}}' }] },
      '.choices[0].title',
      'must not hold templates',
    ],
    [
      'ask',
      { text: 'x', input: { kind: 'text', pattern: '(' } },
      '.input.pattern',
      'must be a valid regular expression',
    ],
    [
      'ask',
      { text: 'x', choices, save_as: '__proto__' },
      '.save_as',
      'must be a letter and up to 63 letters, digits and _',
    ],
    ['ask', { text: 'x', choices, max_attempts: 0 }, '.max_attempts', 'must be at least 1'],
    [
      'condition',
      oneCase({ left: 'x', op: 'like', right: 'x' }),
      '.cases[0].all[0].op',
      'must be eq, neq, gt, gte, lt, lte, contains, not_contains, starts_with, ends_with, in, exists, empty or matches',
    ],
    [
      'condition',
      oneCase({ left: 'x', op: 'eq' }),
      '.cases[0].all[0].right',
      'must be a text of at most 1024 characters, a number or a boolean',
    ],
    ['condition', { cases: [{ id: 'a' }] }, '.cases[0]', 'must have all or any, and only one of them'],
    [
      'condition',
      oneCase({ left: 'x', op: 'matches', right: '(?=x)' }),
      '.cases[0].all[0].right',
      'must not look ahead or behind',
    ],
    ['set', {}, '', 'must have assign, tags_add or tags_remove'],
    [
      'set',
      { assign: JSON.parse('{"__proto__":1}') as unknown },
      '.assign.__proto__',
      'must be context. and up to 8 names of letters, digits and _, with dots between them',
    ],
    [
      'set',
      { assign: { 'contact.name': 'x' } },
      '.assign["contact.name"]',
      'must be context. and up to 8 names of letters, digits and _, with dots between them',
    ],
    ['delay', { minutes: 1, seconds: 1 }, '', 'must have minutes or seconds, and only one of them'],
    ['delay', { minutes: 1.5 }, '.minutes', 'must be a whole number'],
    [
      'http_request',
      { ...http, url: 'https://{{context.host}}/' },
      '.url',
      'must start with http:// or https:// and a host that is no template',
    ],
    [
      'http_request',
      { ...http, url: 'https://shop.example{{context.path}}' },
      '.url',
      'must start with http:// or https:// and a host that is no template',
    ],
    ['http_request', { ...http, method: 'GET', body: 'x' }, '.body', 'must not be there for a GET'],
    [
      'http_request',
      { ...http, headers: { Host: 'x' } },
      '.headers.Host',
      'must not be connection, content-length, host, idempotency-key, transfer-encoding: those are set by the engine',
    ],
    [
      'http_request',
      { ...http, headers: { A: 'x\r\nB: y' } },
      '.headers.A',
      'must not hold control characters',
    ],
    ['http_request', { ...http, headers: [] }, '.headers', 'must be an object'],
    ['handoff', {}, '.queue', 'is required'],
  ])('of the type %s must not be %j', (type, data, path, message) => {
    expect(check(type, data)).toEqual([
      { code: 'NODE_DATA_INVALID', field: `nodes[0].data${path}`, message, nodeId: 'n' },
    ]);
  });

  const broken = '{{env.HOME}}';
  it.each<[string, string, unknown]>([
    ['text', 'send_message', { text: broken }],
    ['media.url', 'send_message', { text: 'x', media: { type: 'image', url: broken } }],
    [
      'media.caption',
      'send_message',
      { text: 'x', media: { type: 'image', url: 'https://a', caption: broken } },
    ],
    [
      'template.variables.a',
      'send_message',
      { template: { name: 'x', language: 'en', variables: { a: broken } } },
    ],
    ['invalid_text', 'ask', { text: 'x', choices, invalid_text: broken }],
    ['cases[0].all[0].left', 'condition', oneCase({ left: broken, op: 'exists' })],
    ['cases[0].all[0].right', 'condition', oneCase({ left: 'x', op: 'eq', right: broken })],
    ['cases[0].all[0].right[1]', 'condition', oneCase({ left: 'x', op: 'in', right: ['x', broken] })],
    ['assign["context.a"]', 'set', { assign: { 'context.a': broken } }],
    ['url', 'http_request', { ...http, url: `https://a.example/${broken}` }],
    ['headers["X-A"]', 'http_request', { ...http, headers: { 'X-A': broken } }],
    ['body', 'http_request', { ...http, body: broken }],
    ['note', 'handoff', { queue: 'x', note: broken }],
  ])('must not hold a broken template in %s of the type %s', (path, type, data) => {
    expect(check(type, data)).toMatchObject([
      { code: 'TEMPLATE_INVALID', field: `nodes[0].data.${path}`, nodeId: 'n' },
    ]);
  });
});
