import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '@parley/postgres';
import { Logger } from '@parley/service';
import { fastify } from 'fastify';
import { SCOPES } from './auth/access.ts';
import { newToken } from './auth/api-token.ts';
import { Authenticator } from './auth/authenticator.ts';
import { PermitStore } from './auth/permit-store.ts';
import { RateLimiter } from './auth/rate-limiter.ts';
import { TOKEN_ENTITIES, TokenStore } from './auth/token-store.ts';
import { addRequestHooks } from './request-hooks.ts';
import type { Route } from './route-table.ts';
import { GatewayApp } from './testing/gateway-app.ts';

/** Whatever is not here needs a token. Think before you add to it. */
const PUBLIC = ['GET /healthz', 'GET /readyz', 'GET /readyz/traffic', 'GET /api/v1/openapi.yaml'];

const TRIGGER = '/api/v1/actions/trigger-flow';
const UNAUTHENTICATED = { status: 401, body: { error: 'Unauthenticated.' } };
const FORBIDDEN = { status: 403, body: { error: 'The token lacks the scope for this request' } };

let app: GatewayApp;
let routes: Route[];
let closed: Route[];
let scoped: Route[];

const nameOf = ({ method, url }: Route): string => `${method} ${url}`;
const pathOf = ({ url }: Route): string =>
  url
    .replace(':kind', 'webhook')
    .replace(':version', '1')
    .replace(':id', '0190b0a0-0000-7000-8000-000000000000');

beforeAll(async () => {
  app = await GatewayApp.start();
  routes = app.gateway.routes.routes;
  closed = routes.filter((route) => !PUBLIC.includes(nameOf(route)));
  scoped = closed.filter(({ access }) => access !== 'token');
});
afterAll(() => app.close());

/** What each route answers that is not what it should. */
async function others(asked: Route[], token: string | undefined, answer: object): Promise<object> {
  const answers: Record<string, unknown> = {};
  for (const route of asked) {
    const { status, body } = await app.request(route.method, pathOf(route), { token });
    answers[nameOf(route)] = { status, body };
  }
  return Object.fromEntries(Object.entries(answers).filter(([, given]) => !same(given, answer)));
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

describe('every route', () => {
  it('is either on the list of public ones or has an access rule', () => {
    expect(routes.length).toBeGreaterThan(25);
    expect(
      routes
        .filter(({ access }) => access === 'public')
        .map(nameOf)
        .sort(),
    ).toEqual([...PUBLIC].sort());
    expect(closed.filter(({ access }) => access === undefined).map(nameOf)).toEqual([]);
  });

  it('that is public answers without a token', async () => {
    const open = routes.filter((route) => PUBLIC.includes(nameOf(route)));
    for (const route of open) expect((await app.request('GET', route.url)).status).not.toBe(401);
  });

  it('fails if any route lacks authentication: without a token it answers 401', async () => {
    expect(await others(closed, undefined, UNAUTHENTICATED)).toEqual({});
  });

  it('answers 401 to a token that is malformed', async () => {
    const { token } = await app.createToken();
    const mistyped = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0');
    expect(await others(closed, mistyped, UNAUTHENTICATED)).toEqual({});
  });

  it('answers 401 to a well-formed token nobody made', async () => {
    expect(await others(closed, newToken(), UNAUTHENTICATED)).toEqual({});
  });

  it('answers 401 to a revoked token', async () => {
    const { id, token } = await app.createToken();
    await app.tokens.revoke(id);
    expect(await others(closed, token, UNAUTHENTICATED)).toEqual({});
  });

  it.each([
    ['Basic YWxhZGRpbjpvcGVuc2VzYW1l'],
    ['Bearer'],
    ['Bearer '],
    ['Bearer null'],
    [`Bearer ${'x'.repeat(4_000)}`],
    ["Bearer ' OR 1=1 --"],
  ])('answers 401 to the header %s', async (authorization) => {
    expect(
      await app.request('GET', '/api/v1/me', { headers: { Authorization: authorization } }),
    ).toMatchObject(UNAUTHENTICATED);
  });

  it('takes no token from the query, and none without its scheme', async () => {
    const { token } = await app.createToken();
    const inQuery = await app.request('GET', `/api/v1/me?token=${token}&access_token=${token}`);
    const bare = await app.request('GET', '/api/v1/me', { headers: { Authorization: token } });
    expect(inQuery).toMatchObject(UNAUTHENTICATED);
    expect(bare).toMatchObject(UNAUTHENTICATED);
  });

  it('asks HEAD for the same token as GET', async () => {
    expect((await app.request('HEAD', '/api/v1/flows')).status).toBe(401);
  });
});

describe('a scope', () => {
  it.each(SCOPES)('%s: its routes answer 403 to a token with all the others', async (scope) => {
    const { token } = await app.createToken({ scopes: SCOPES.filter((other) => other !== scope) });
    const asked = scoped.filter(({ access }) => access === scope);
    expect(asked.length).toBeGreaterThan(0);
    expect(await others(asked, token, FORBIDDEN)).toEqual({});
  });

  it.each(SCOPES)('%s is enough for its routes', async (scope) => {
    const { token } = await app.createToken({ scopes: [scope] });
    for (const route of scoped.filter(({ access }) => access === scope)) {
      const { status } = await app.request(route.method, pathOf(route), { token });
      // The services are away.
      expect([422, 503]).toContain(status);
    }
  });

  it('is not needed where any token will do', async () => {
    const { token } = await app.createToken({ scopes: [] });
    expect((await app.request('GET', '/api/v1/me', { token })).status).toBe(200);
    expect(await others(scoped, token, FORBIDDEN)).toEqual({});
  });
});

describe('a route without an access rule', () => {
  it('is closed, whatever the token', async () => {
    const database = await Database.connect({
      url: app.database.url,
      name: 'spec',
      entities: TOKEN_ENTITIES,
    });
    const server = fastify();
    const limits = new RateLimiter(new PermitStore(database));
    const authenticator = new Authenticator(new TokenStore(database), limits);
    addRequestHooks(server, authenticator, new Logger('gateway', 'silent'));
    server.setErrorHandler((error: { reason?: string }, _request, reply) =>
      reply.send({ reason: error.reason }),
    );
    server.get('/forgotten', () => 'reached');
    server.get('/allowed', { config: { access: 'token' } }, () => 'reached');

    const { token } = await app.createToken();
    const headers = { authorization: `Bearer ${token}` };
    expect((await server.inject({ url: '/forgotten', headers })).json()).toEqual({ reason: 'SCOPE_MISSING' });
    expect((await server.inject({ url: '/forgotten' })).json()).toEqual({ reason: 'UNAUTHENTICATED' });
    expect((await server.inject({ url: '/allowed', headers })).body).toBe('reached');
    await server.close();
    await limits.close();
    await database.close();
  });
});

describe('what is checked first', () => {
  const BODIES = [
    ['malformed', '{', 'application/json'],
    ['of another type', 'x', 'text/plain'],
    ['too large', 'x'.repeat(3 * 1024 * 1024), 'application/json'],
  ];

  it.each(BODIES)('the route, before a body that is %s', async (_what, body, type) => {
    const headers = { 'Content-Type': type };
    expect(await app.request('POST', '/api/v1/nope', { body, headers })).toMatchObject({
      status: 404,
      body: { error: 'Not found' },
    });
    expect(await app.request('POST', '/healthz', { body, headers })).toMatchObject({ status: 405 });
  });

  it.each(BODIES)('the token, before a body that is %s', async (_what, body, type) => {
    const headers = { 'Content-Type': type };
    expect(await app.request('POST', TRIGGER, { body, headers })).toMatchObject(UNAUTHENTICATED);
  });

  it('the token, before the rate: what is refused for its token counts for nobody', async () => {
    const { token } = await app.createToken({ rateLimit: 2 });
    await app.request('GET', '/api/v1/me', { token: `${token}x` });
    const { headers } = await app.request('GET', '/api/v1/me', { token });
    expect(headers.get('x-ratelimit-remaining')).toBe('1');
  });

  it('the rate, before scope and body', async () => {
    const { token } = await app.createToken({ rateLimit: 1, scopes: [] });
    expect((await app.request('POST', TRIGGER, { token, body: '{' })).status).toBe(403);
    expect((await app.request('POST', TRIGGER, { token, body: '{' })).status).toBe(429);
  });

  it('the body, before any service is asked', async () => {
    const { token } = await app.createToken();
    expect((await app.request('POST', TRIGGER, { token, body: {} })).status).toBe(422);
  });
});
