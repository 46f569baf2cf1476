import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toTimestamp } from './fields.ts';
import { GatewayApp } from './testing/gateway-app.ts';

const TRIGGER = '/api/v1/actions/trigger-flow';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ID = '0190b0a0-0000-7000-8000-000000000000';

let app: GatewayApp;
let token: string;

beforeAll(async () => {
  app = await GatewayApp.start();
  ({ token } = await app.createToken());
});
afterAll(() => app.close());

const send = (body: unknown, headers: Record<string, string> = {}) =>
  app.request('POST', TRIGGER, { token, body, headers });
const invalid = (errors: object) => ({
  status: 422,
  body: { message: 'The given data was invalid.', errors },
});

describe('a path', () => {
  it.each([
    '/',
    '/nope',
    '/api/v1',
    '/api/v1/nope',
    '/api/v1/me/',
    '/api/v1//me',
    '/API/v1/me',
    '/api/v2/me',
  ])('%s that does not exist is a 404', async (path) => {
    expect(await app.request('GET', path, { token })).toMatchObject({
      status: 404,
      body: { error: 'Not found' },
    });
  });

  it.each([
    ['GET', TRIGGER, 'POST'],
    ['DELETE', '/api/v1/me', 'GET'],
    ['OPTIONS', '/api/v1/me', 'GET'],
    ['PROPFIND', '/healthz', 'GET'],
    ['PUT', '/api/v1/flows?x=1', 'POST, GET'],
    ['DELETE', `/api/v1/flows/${ID}`, 'GET, PATCH'],
  ])('%s %s is a 405 that names the methods there are', async (method, path, allow) => {
    const answer = await app.request(method, path, { token });
    expect(answer).toMatchObject({ status: 405, body: { error: 'Method not allowed' } });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it.each([
    '/api/v1/flows/%zz',
    '/api/v1/flows/%',
    '/api/v1/sessions/%ff/cancel',
    '/%c0%af',
    '/api/v1/contacts/%e0%a4',
  ])('%s that cannot be decoded is a 400 like any other', async (path) => {
    const { status, body, headers } = await app.request('GET', path, { headers: { 'X-Request-Id': 'mine' } });
    expect({ status, body }).toEqual({ status: 400, body: { error: 'The request is malformed' } });
    expect(headers.get('x-request-id')).toBe('mine');
  });

  it.each([
    ['flows', 'Flow not found'],
    ['sessions', 'Session not found'],
    ['contacts', 'Contact not found'],
  ])('/%s/… with what is no id is answered as an id that does not exist', async (resource, error) => {
    for (const id of ['x', '%00', '..%2f..%2fme', "'%20OR%201=1", '💥', `${ID}0`, 'a'.repeat(8_000)]) {
      const { status, body } = await app.request('GET', `/api/v1/${resource}/${id}`, { token });
      expect({ id, status, body }).toEqual({ id, status: 404, body: { error } });
    }
  });

  it('of 100 000 characters is a 4xx', async () => {
    const { status } = await app.request('GET', `/api/v1/sessions/${'a'.repeat(100_000)}`, { token });
    expect(status).toBe(431);
  });
});

describe('a query', () => {
  it.each([
    '/api/v1/contacts',
    '/api/v1/sessions',
    '/api/v1/flows',
    `/api/v1/flows/${ID}/versions`,
    `/api/v1/flows/${ID}/versions/1/diff`,
    `/api/v1/sessions/${ID}/timeline`,
    '/api/v1/channels/webhook/deliveries',
  ])('of GET %s with a filter it does not know is refused', async (path) => {
    const { status, body } = await app.request('GET', `${path}?phone=%2B14155550123&page=2`, { token });
    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: { phone: ['is not known here'], page: ['is not known here'] } });
  });

  it.each([
    ['flows?limit=0', 'limit'],
    ['flows?limit=101', 'limit'],
    ['flows?limit=1.5', 'limit'],
    ['flows?limit=1&limit=2', 'limit'],
    ['flows?status=closed', 'status'],
    [`flows?after=${'x'.repeat(1_001)}`, 'after'],
    ['sessions?flow_id=x', 'flow_id'],
    ['sessions?status=open', 'status'],
    ['sessions?contact_id[]=1&contact_id=2', 'contact_id'],
    ['triggers/new-flow-triggered?flow_id=%00', 'flow_id'],
    [`contacts?query=${'x'.repeat(256)}`, 'query'],
    [`flows/${ID}/versions?limit=x`, 'limit'],
  ])('%s is a 422 on %s', async (path, field) => {
    const answer = await app.request('GET', `/api/v1/${path}`, { token });
    expect(answer).toMatchObject(invalid({ [field]: [expect.any(String)] }));
  });
});

describe('a body', () => {
  const many = (item: unknown) => Array.from({ length: 80_000 }, () => item);

  it.each([
    ['actions/create-contact', { phone: '+14155550123', tags: many('\ud800') }, 'tags', '1000'],
    [`flows/${ID}/simulate`, { http: { ask: many(0) } }, 'http.ask', '200'],
    [`flows/${ID}/simulate`, { steps: many(0) }, 'steps', '200'],
  ])('of %s with a list of 80 000 is a 422 that says so, and of no item', async (path, body, field, max) => {
    const refused = await app.request('POST', `/api/v1/${path}`, { token, body });
    expect(refused).toMatchObject(invalid({ [field]: [`must not be more than ${max}`] }));
  });

  it.each([
    ['flows', { name: 'Cart \ud800' }, 'name'],
    [`sessions/${ID}/replies`, { text: '\udc00' }, 'text'],
  ])('of %s with half a character is a 422', async (path, body, field) => {
    const refused = await app.request('POST', `/api/v1/${path}`, { token, body });
    expect(refused.status).toBe(422);
    expect((refused.body as { errors: object }).errors).toMatchObject({
      [field]: ['must not contain lone surrogates'],
    });
  });
});

describe('X-Request-Id', () => {
  it.each(['1', 'a.b:c-d_e', 'x'.repeat(128)])('%s comes back', async (id) => {
    const { headers } = await app.request('GET', '/healthz', { headers: { 'X-Request-Id': id } });
    expect(headers.get('x-request-id')).toBe(id);
  });

  it.each(['', 'x'.repeat(129), 'with space', '<script>', '{"a":1}', 'é'])('%j is replaced', async (id) => {
    const { headers } = await app.request('GET', '/healthz', { headers: { 'X-Request-Id': id } });
    expect(headers.get('x-request-id')).toMatch(UUID);
  });

  it('is on every answer, and another one each time', async () => {
    const answers = [
      await app.request('GET', '/nope'),
      await app.request('DELETE', '/healthz'),
      await app.request('GET', '/api/v1/me'),
      await app.request('GET', '/api/v1/flows/%'),
      await app.request('GET', '/api/v1/me', { token }),
      await send('{'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 405, 401, 400, 200, 400]);
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('hostile requests', () => {
  it.each([
    ['no HTTP at all', 'HELO gateway\r\n\r\n'],
    ['two lengths', 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
    [
      'a length and chunks',
      'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a NUL in a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\0b\r\n\r\n'],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n'],
  ])('%s is a 400', async (_what, text) => {
    expect(await sendRaw(text)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('leave the gateway as it was', async () => {
    expect((await app.request('GET', '/healthz')).status).toBe(200);
  });
});

describe('a timestamp', () => {
  it('is ISO 8601 in UTC with whole seconds', () => {
    expect(toTimestamp(new Date('2026-05-07T08:14:23.999Z'))).toBe('2026-05-07T08:14:23+00:00');
    expect(toTimestamp(new Date('2026-05-07T10:14:23+02:00'))).toBe('2026-05-07T08:14:23+00:00');
  });
});

function sendRaw(text: string): Promise<string> {
  const { hostname, port } = new URL(`http://${app.gateway.address}`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
