import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GatewayApp } from './testing/gateway-app.ts';

const TRIGGER = '/api/v1/actions/trigger-flow';

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
const neither = ['contact_id or phone is required'];

describe('a body', () => {
  it.each([
    ['cut off', '{"flow_id":'],
    ['no JSON', 'flow_id=1'],
    ['two values', '{}{}'],
    ['deeply broken', '['.repeat(500_000)],
    ['not UTF-8', Buffer.from([...Buffer.from('{"flow_id":"'), 0xff, ...Buffer.from('"}')])],
    ['UTF-16', Buffer.from('{"flow_id":"x"}', 'utf16le')],
  ])('that is %s is a 400', async (_what, body) => {
    expect(await send(body)).toMatchObject({
      status: 400,
      body: { error: 'The request body is not valid JSON' },
    });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'nonsense',
  ])('of the type %s is a 415', async (type) => {
    expect(await send('{}', { 'Content-Type': type })).toMatchObject({
      status: 415,
      body: { error: 'Unsupported media type; send application/json' },
    });
  });

  it.each(['application/json; charset=utf-8', 'Application/JSON'])('of the type %s is read', async (type) => {
    expect((await send('{}', { 'Content-Type': type })).status).toBe(422);
  });

  it('of 2 MiB is read, of one byte more is a 413', async () => {
    const filled = (bytes: number): string => `{"x":"${'x'.repeat(bytes - 8)}"}`;
    expect((await send(filled(2 * 1024 * 1024))).status).toBe(422);
    expect(await send(filled(2 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      body: { error: 'The request body is too large' },
    });
  });

  it.each([
    ['empty', '', {}],
    ['an empty object', '{}', {}],
    ['absent, without a type', undefined, {}],
  ])('that is %s leads to the names of the fields that are missing', async (_what, body, headers) => {
    expect(await send(body, headers)).toMatchObject(
      invalid({ flow_id: ['is required'], contact_id: neither, phone: neither }),
    );
  });

  it.each(['null', '[]', '[{}]', '1', '"text"', 'true'])(
    '%s, which is no object, is named as such',
    async (body) => {
      expect(await send(body)).toMatchObject(invalid({ body: ['must be a JSON object'] }));
    },
  );

  it('with several faults has all of them named', async () => {
    const body = { flow_id: 'x', contact_id: 1, phone: '12', context: [] };
    expect(await send(body)).toMatchObject({
      status: 422,
      body: {
        errors: {
          flow_id: ['must be a UUID'],
          contact_id: [expect.any(String)],
          phone: [expect.any(String)],
          context: ['must be an object'],
        },
      },
    });
  });

  it('with ids of 100 000 characters is a 422', async () => {
    const long = 'a'.repeat(100_000);
    const { status, body } = await send({
      flow_id: long,
      contact_id: long,
      phone: `+${'1'.repeat(100_000)}`,
    });
    expect(status).toBe(422);
    expect(Object.keys((body as { errors: object }).errors)).toEqual(['flow_id', 'contact_id', 'phone']);
  });

  it('sets nobody’s prototype (28)', async () => {
    await send(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"context":{"__proto__":{"polluted":1}}}',
    );
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
