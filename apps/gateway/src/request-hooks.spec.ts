import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '@parley/postgres';
import { Logger } from '@parley/service';
import { Authenticator } from './auth/authenticator.ts';
import { PermitStore } from './auth/permit-store.ts';
import { RateLimiter } from './auth/rate-limiter.ts';
import { TOKEN_ENTITIES, TokenStore } from './auth/token-store.ts';
import { readJsonBodies } from './json-body.ts';
import { addRequestHooks } from './request-hooks.ts';
import { GatewayApp } from './testing/gateway-app.ts';

let app: GatewayApp;
let token: string;

beforeAll(async () => {
  app = await GatewayApp.start();
  ({ token } = await app.createToken({ rateLimit: 50 }));
});
afterAll(() => app.close());

const portOf = (address: string): number => Number(new URL(`http://${address}`).port);

describe('an answer that comes before the body does', () => {
  it('has the caller’s X-Request-Id, and what is left of the rate', async () => {
    const socket = connect(portOf(app.gateway.address), '127.0.0.1');
    socket.write(
      `POST /api/v1/actions/trigger-flow HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nAuthorization: Bearer ${token}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    const [head = '', body] = String(await once(socket, 'data')).split('\r\n\r\n');
    const [status, ...headers] = head.toLowerCase().split('\r\n');
    expect([status, body]).toEqual(['http/1.1 408 request timeout', '{"error":"The request is malformed"}']);
    expect(headers).toEqual(
      expect.arrayContaining(['x-request-id: mine', 'x-ratelimit-limit: 50', 'connection: close']),
    );
    expect(headers.filter((header) => header.startsWith('x-ratelimit-remaining: '))).toHaveLength(1);
    await once(socket, 'close');
  }, 15_000);
});

describe('a request that Node would answer by itself', () => {
  it.each([
    ['without a Host', '', '400 bad request'],
    ['with an expectation', 'Host: x\r\nExpect: miracles\r\n', '417 expectation failed'],
  ])('%s is answered like all others', async (_what, headers, status) => {
    const socket = connect(portOf(app.gateway.address), '127.0.0.1');
    socket.write(`GET /api/v1/me HTTP/1.1\r\n${headers}Authorization: Bearer ${token}\r\n\r\n`);
    const [head = '', body] = String(await once(socket, 'data')).split('\r\n\r\n');
    expect(head.toLowerCase().split('\r\n')[0]).toBe(`http/1.1 ${status}`);
    expect(head).toMatch(/^x-request-id: [0-9a-f-]{36}$/im);
    expect(body).toBe('{"error":"The request is malformed"}');
    socket.destroy();
  });
});

describe('a path that cannot be decoded', () => {
  const path = '/api/v1/flows/%zz';

  it('counts for a token, and says what is left', async () => {
    const { token: own } = await app.createToken({ rateLimit: 2 });
    const headers = { 'X-Request-Id': 'mine' };
    const answers = [];
    for (let n = 0; n < 3; n++) answers.push(await app.request('GET', path, { token: own, headers }));
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 429]);
    expect(answers.map((answer) => answer.headers.get('x-ratelimit-remaining'))).toEqual(['1', '0', '0']);
    expect(answers.map((answer) => answer.headers.get('x-request-id'))).toEqual(['mine', 'mine', 'mine']);
    expect(answers[2]!.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  it('is a 401 for a token that is none', async () => {
    expect(await app.request('GET', path, { token: 'nonsense' })).toMatchObject({
      status: 401,
      body: { error: 'Unauthenticated.' },
    });
  });
});

describe('a connection', () => {
  it('on which a bulk request came is closed once it is idle, and not before', async () => {
    const database = await Database.connect({
      url: app.database.url,
      name: 'spec',
      entities: TOKEN_ENTITIES,
    });
    // Node takes a second more than it is told.
    const adapter = new FastifyAdapter({ keepAliveTimeout: 100 });
    const server = adapter.getInstance();
    const limits = new RateLimiter(new PermitStore(database));
    const authenticator = new Authenticator(new TokenStore(database), limits);
    addRequestHooks(server, authenticator, new Logger('gateway', 'silent'));
    readJsonBodies(server);
    for (const bulk of [false, true]) {
      server.post(`/${bulk ? 'bulk' : 'single'}`, { config: { access: 'public', bulk } }, async () => {
        await sleep(1_500);
        return {};
      });
    }
    const address = await server.listen({ port: 0, host: '127.0.0.1' });
    const closedAfter = async (socket: Socket, path: string): Promise<number> => {
      for (let n = 0; n < 2; n++) {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
        );
        expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 200 /);
      }
      const answered = performance.now();
      await Promise.race([once(socket, 'close'), sleep(4_000)]);
      return performance.now() - answered;
    };
    const took = await Promise.all(
      ['/single', '/bulk'].map((path) =>
        closedAfter(connect(Number(new URL(address).port), '127.0.0.1'), path),
      ),
    );
    for (const ms of took) expect(ms).toBeLessThan(3_000);
    await server.close();
    await limits.close();
    await database.close();
  }, 15_000);
});
