import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Resolve } from '@parley/public-lookup';
import { HttpCaller } from './http-caller.ts';

const KIB = 1024;
let reached: string[] = [];
const server = createServer((request, response) => {
  reached.push(request.url!);
  if (request.url === '/redirect') response.writeHead(302, { location: 'http://10.0.0.1/' }).end();
  else if (request.url === '/large') response.end('x'.repeat(257 * KIB));
  else if (request.url === '/slow') request.socket.setTimeout(5_000);
  else if (request.url === '/marked') response.end('\ufeff{"name":"Ada"}');
  else if (request.url === '/latin')
    response
      .writeHead(200, { 'content-type': 'text/plain; charset=ISO-8859-1' })
      .end(Buffer.from([0x5a, 0x6f, 0xeb]));
  else if (request.url === '/unknown')
    response.writeHead(200, { 'content-type': 'text/plain; charset=x-none' }).end('Zoë');
  else if (request.url === '/packed')
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"name":"Ada"}'));
  else if (request.url === '/asked') response.end(request.headers['accept-encoding']);
  else response.end('ok');
});
let port: number;
let caller: HttpCaller | undefined;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  await caller?.close();
  reached = [];
});
afterAll(() => void server.close());

/** A name server that leads every name to these addresses. */
const resolvingTo =
  (...addresses: string[]): Resolve =>
  (_name, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

function get(url: string, timeoutMs = 2_000) {
  return caller!.call({ effectId: 'e.1', method: 'GET', url, headers: [], body: null, timeoutMs });
}

const NOT_PUBLIC = { answer: { error: 'the address is not on the internet' }, retryable: false };

describe('a request to where it must not go (fault 33)', () => {
  it.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.0.1', '::1', 'fd00::1', '::ffff:127.0.0.1'])(
    'is not made where the name resolves to %s',
    async (address) => {
      caller = new HttpCaller(new Map(), resolvingTo(address));
      expect(await get(`http://rebound.example:${port}/`)).toEqual(NOT_PUBLIC);
      expect(reached).toEqual([]);
    },
  );

  it.each(['http://127.0.0.1', 'http://2130706433', 'http://0x7f.1', 'http://[::1]', 'http://localhost'])(
    'is not made to %s, which needs no name server',
    async (origin) => {
      caller = new HttpCaller(new Map());
      expect(await get(`${origin}:${port}/`)).toEqual(NOT_PUBLIC);
      expect(reached).toEqual([]);
    },
  );

  it('is not made after a redirect: the redirect is the answer', async () => {
    caller = new HttpCaller(new Map([['shop.example', '127.0.0.1']]));
    expect(await get(`http://shop.example:${port}/redirect`)).toMatchObject({ answer: { status: 302 } });
    expect(reached).toEqual(['/redirect']);
  });
});

describe('a request to another resource than its path names', () => {
  it.each([
    ...[
      '/carts/77/items/..',
      '/carts/./1',
      '/carts/%2e%2E/1',
      '/a/.%2e',
      '/a/..?b',
      '/a/..#b',
      '/a\\..\\b',
      '/a/.\t./b',
      '/..',
    ],
    ...['\\..', '/a/.. '],
  ])('is not made: %j', async (path) => {
    caller = new HttpCaller(new Map([['shop.example', '127.0.0.1']]));
    expect(await get(`http://shop.example:${port}${path}`)).toEqual({
      answer: { error: 'the path holds . or ..' },
      retryable: false,
    });
    expect(reached).toEqual([]);
  });

  it.each(['/a/...', '/a/..b', '/a/b..', '/a?b=/../c', '/a#/..', '/%2e%2e%2e', '/a/.well-known/b'])(
    'is not what %j is',
    async (path) => {
      caller = new HttpCaller(new Map([['shop.example', '127.0.0.1']]));
      expect(await get(`http://shop.example:${port}${path}`)).toMatchObject({ answer: { status: 200 } });
      expect(reached).toEqual([path.split('#')[0]]);
    },
  );
});

describe('an answer', () => {
  it.each([
    ['/marked', { status: 200, body: '{"name":"Ada"}' }],
    ['/latin', { status: 200, body: 'Zoë' }],
    ['/unknown', { status: 200, body: 'Zoë' }],
    ['/packed', { error: 'the answer is compressed' }],
    ['/asked', { status: 200, body: 'identity' }],
  ])('of %s is read as %j', async (path, answer) => {
    caller = new HttpCaller(new Map([['shop.example', '127.0.0.1']]));
    expect(await get(`http://shop.example:${port}${path}`)).toEqual({ answer, retryable: false });
  });
});

describe('a request', () => {
  it('reaches a name that the operator has given an address', async () => {
    caller = new HttpCaller(new Map([['shop.example', '127.0.0.1']]), resolvingTo('10.0.0.1'));
    expect(await get(`http://shop.example:${port}/`)).toEqual({
      answer: { status: 200, body: 'ok' },
      retryable: false,
    });
  });

  it('fails with an answer that is too large, and is not made again', async () => {
    caller = new HttpCaller(new Map([['shop.example', '127.0.0.1']]));
    expect(await get(`http://shop.example:${port}/large`)).toEqual({
      answer: { error: 'the answer is larger than 262144 bytes' },
      retryable: false,
    });
  });

  it('fails when there is no answer in time, and may be made again', async () => {
    caller = new HttpCaller(new Map([['shop.example', '127.0.0.1']]));
    expect(await get(`http://shop.example:${port}/slow`, 100)).toEqual({
      answer: { error: 'no answer within 100 ms' },
      retryable: true,
    });
  });
});
