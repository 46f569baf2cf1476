import { once } from 'node:events';
import { connect } from 'node:net';
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
    'application/json; charset=utf-16',
    'application/json; charset="ISO-8859-1"',
    'application/x-ndjson; charset=latin1',
    'nonsense',
  ])('of the type %s is a 415', async (type) => {
    expect(await send('{}', { 'Content-Type': type })).toMatchObject({
      status: 415,
      body: { error: 'Unsupported media type; send application/json' },
    });
  });

  it.each(['gzip', 'br', 'deflate, gzip', 'x'])('in the encoding %s is a 415', async (encoding) => {
    expect(await send('{}', { 'Content-Encoding': encoding })).toMatchObject({
      status: 415,
      body: { error: 'Unsupported media type; send application/json' },
    });
  });

  it('in the encoding identity is read', async () => {
    expect((await send('{}', { 'Content-Encoding': 'Identity' })).status).toBe(422);
  });

  it.each(['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'])(
    'of the type %s is read',
    async (type) => {
      expect((await send('{}', { 'Content-Type': type })).status).toBe(422);
    },
  );

  it('of 2 MiB is read, of one byte more is a 413', async () => {
    const filled = (bytes: number): string => `{"x":"${'x'.repeat(bytes - 8)}"}`;
    expect((await send(filled(2 * 1024 * 1024))).status).toBe(422);
    expect(await send(filled(2 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      body: { error: 'The request body is too large' },
    });
  });

  it('that is refused for its length is read to its end first, so that its client gets the answer', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(`http://${app.gateway.address}`).port),
    });
    const mebibyte = 'x'.repeat(1024 * 1024);
    socket.write(
      `POST ${TRIGGER} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 4194304\r\n\r\n',
    );
    for (let sent = 0; sent < 4; sent++) {
      // Nothing is answered, nor closed, before the last byte.
      expect([socket.bytesRead, socket.readyState === 'closed']).toEqual([0, false]);
      await new Promise((resolve) => socket.write(mebibyte, resolve));
    }
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 413 /);
    await once(socket, 'close');
  });

  it('that is refused for its length and does not come is answered all the same', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(`http://${app.gateway.address}`).port),
    });
    socket.write(
      `POST ${TRIGGER} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 4194304\r\n\r\n',
    );
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 413 /);
    await once(socket, 'close');
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
