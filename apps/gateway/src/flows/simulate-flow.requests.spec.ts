import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GatewayApp } from '../testing/gateway-app.ts';

const PATH = '/api/v1/flows/0190b0a0-0000-7000-8000-000000000000/simulate';

let app: GatewayApp;
let token: string;

beforeAll(async () => {
  app = await GatewayApp.start();
  ({ token } = await app.createToken());
});
afterAll(() => app.close());

const simulate = (body: unknown, path = PATH) => app.request('POST', path, { token, body });

describe('POST /flows/{id}/simulate', () => {
  it.each<[string, object, string]>([
    ['a version that is no number', { version: 'x' }, 'version'],
    ['version 0', { version: 0 }, 'version'],
    ['a version of a definition', { version: 1, definition: {} }, 'version'],
    ['settings without a definition', { settings: {} }, 'settings'],
    ['a definition that is no object', { definition: [] }, 'definition'],
    ['a context that is no object', { context: [] }, 'context'],
    ['a contact that is no object', { contact: 'Ada' }, 'contact'],
    ['a name that is no text', { contact: { name: 1 } }, 'contact.name'],
    ['tags that are no list', { contact: { tags: 'a,b' } }, 'contact.tags'],
    ['metadata that are no object', { contact: { metadata: [] } }, 'contact.metadata'],
    ['a start that is no time', { start_at: 'noon' }, 'start_at'],
    ['a start before 1970', { start_at: '1969-12-31T23:59:59Z' }, 'start_at'],
    ['a start after 9000', { start_at: '9001-01-01T00:00:00Z' }, 'start_at'],
    ['steps that are no list', { steps: {} }, 'steps'],
    ['201 steps', { steps: Array<object>(201).fill({ reply: 'a' }) }, 'steps'],
    ['a step that is a word', { steps: ['expire'] }, 'steps[0]'],
    ['a step that says nothing known', { steps: [{ replay: 'a' }] }, 'steps[0]'],
    ['a step that says two things', { steps: [{ reply: 'a', expire: true }] }, 'steps[0]'],
    ['a reply that is no text', { steps: [{ reply: 1 }] }, 'steps[0].reply'],
    ['an empty choice', { steps: [{ choose: '' }] }, 'steps[0].choose'],
    ['a wait of no time', { steps: [{ wait_seconds: 0 }] }, 'steps[0].wait_seconds'],
    ['a wait of more than a week', { steps: [{ wait_seconds: 604_801 }] }, 'steps[0].wait_seconds'],
    ['an end that does not come', { steps: [{ expire: false }] }, 'steps[0].expire'],
    ['answers that are no object', { http: [] }, 'http'],
    ['an answer of nothing', { http: { a: {} } }, 'http.a[0]'],
    ['an answer and none', { http: { a: { status: 200, error: 'x' } } }, 'http.a[0]'],
    ['a status that is none', { http: { a: [{ status: 99 }] } }, 'http.a[0].status'],
    ['no answers in a list', { http: { a: [] } }, 'http.a'],
    ['a body too large', { http: { a: { status: 200, body: 'x'.repeat(262_145) } } }, 'http.a[0].body'],
    ['201 answers of a node', { http: { a: Array<object>(201).fill({ status: 200 }) } }, 'http.a'],
    [
      '201 answers of two nodes',
      { http: { a: Array<object>(200).fill({ status: 200 }), b: { status: 200 } } },
      'http',
    ],
  ])('refuses %s, naming the field', async (_what, body, field) => {
    expect(await simulate(body)).toMatchObject({
      status: 422,
      body: { message: 'The given data was invalid.', errors: { [field]: [expect.any(String)] } },
    });
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['null where there is nothing', { version: null, start_at: null, contact: { name: null } }],
    [
      'every kind of step',
      { steps: [{ reply: '' }, { choose: 'a' }, { wait_seconds: 1 }, { expire: true }] },
    ],
    [
      'every kind of answer',
      { http: { a: { status: 500 }, b: [{ status: 200, body: [1] }, { error: 'no' }] } },
    ],
    ['keys that objects inherit', { http: { constructor: { status: 200 } }, context: { a: 1.0 } }],
  ])('takes %s', async (_what, body) => {
    // The service is away.
    expect((await simulate(body)).status).toBe(503);
  });

  it('answers what is no id as a flow that does not exist', async () => {
    expect(await simulate({}, '/api/v1/flows/x/simulate')).toMatchObject({
      status: 404,
      body: { error: 'Flow not found' },
    });
  });
});
