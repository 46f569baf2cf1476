import { status as GrpcCode } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError, invalidFields } from '@parley/errors';
import { toServiceError } from '@parley/grpc';
import { inTime, Wire } from '@parley/testing';
import { FakeContactService } from './testing/fake-contact-service.ts';
import { GatewayApp, type Answer } from './testing/gateway-app.ts';

const ID = '0190b0a0-0000-7000-8000-000000000000';
const UNAVAILABLE = { error: 'Service temporarily unavailable; try again' };

const open: { close: () => Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(settings?: (url: string) => Record<string, string>): Promise<GatewayApp> {
  const app = await GatewayApp.start(settings);
  open.push(app);
  return app;
}

/** A caller waits two seconds (P10). */
const expectUnavailable = (ask: () => Promise<Answer>[]): Promise<void> =>
  inTime(2_500, async () => {
    for (const { status, body, headers } of await Promise.all(ask())) {
      expect({ status, body }).toEqual({ status: 503, body: UNAVAILABLE });
      expect(headers.get('retry-after')).toBe('1');
    }
  });

/** One route for each service, and one that asks two. */
const asking = (app: GatewayApp, token: string): Promise<Answer>[] => [
  app.request('POST', '/api/v1/actions/trigger-flow', {
    token,
    body: { flow_id: ID, phone: '+14155550123' },
  }),
  app.request('GET', `/api/v1/contacts/${ID}`, { token }),
  app.request('GET', `/api/v1/sessions/${ID}`, { token }),
  app.request('POST', '/api/v1/actions/get-flow', { token, body: { flow_id: ID } }),
];

describe('a dependency that is away', () => {
  it('services nobody listens for: 503 within the deadline (P10)', async () => {
    const app = await start();
    const { token } = await app.createToken();
    await expectUnavailable(() => asking(app, token));
  });

  it('services that take the call and say nothing: 503 within the deadline (P10)', async () => {
    const silent = await Wire.toNobody();
    open.push({ close: () => silent.cut() });
    const { address } = silent;
    const app = await start(() => ({
      CONTACT_ADDRESS: address,
      FLOW_CATALOG_ADDRESS: address,
      SESSION_ADDRESS: address,
    }));
    const { token } = await app.createToken();
    await expectUnavailable(() => asking(app, token));
  });

  it('its own database: 503 to every token, since none can be looked up (P10)', async () => {
    const wire = await Wire.toPostgres();
    open.push({ close: () => wire.cut() });
    const app = await start((databaseUrl) => ({ DATABASE_URL: wire.urlOf(databaseUrl) }));
    const { token } = await app.createToken();
    expect((await app.request('GET', '/api/v1/me', { token })).status).toBe(200);
    const other = await app.createToken();
    await wire.cut();

    await expectUnavailable(() => [app.request('GET', '/api/v1/me', { token: other.token })]);
    // What is no token at all needs no database, nor does being alive.
    expect((await app.request('GET', '/api/v1/me', { token: 'nonsense' })).status).toBe(401);
    expect((await app.request('GET', '/healthz')).status).toBe(200);
    expect(await app.request('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { status: 'unavailable', checks: { database: 'unavailable' } },
    });
  });

  it('readiness names what is missing, within a second and a half', async () => {
    const app = await start();
    const answer = await inTime(1_500, () => app.request('GET', '/readyz'));
    expect(answer).toMatchObject({
      status: 503,
      body: {
        status: 'unavailable',
        checks: {
          database: 'ok',
          contact: 'unavailable',
          flow_catalog: 'unavailable',
          session: 'unavailable',
        },
      },
    });
  });
});

describe('what a service refuses', () => {
  const domain = 'parley.contact.v1';
  const secret = 'SELECT * FROM contacts /* 10.0.0.7:5432 */ at Object.query (/app/dist/db.js:1:1)';
  let contacts: FakeContactService;
  let app: GatewayApp;
  let token: string;

  beforeAll(async () => {
    contacts = await FakeContactService.start();
    app = await GatewayApp.start(() => ({ CONTACT_ADDRESS: contacts.address }));
    ({ token } = await app.createToken());
  });
  afterAll(async () => {
    await app.close();
    contacts.stop();
  });

  const create = (): Promise<Answer> =>
    app.request('POST', '/api/v1/actions/create-contact', { token, body: { phone: '+14155550123' } });

  it.each([
    ['phone', 'phone'],
    ['fields.email', 'email'],
    ['fields.metadata', 'metadata'],
    ['fields.tags', 'tags'],
    ['fields.tags.tags[3]', 'tags[3]'],
    ['fields.add_tags[0]', 'tag'],
    ['page_token', 'after'],
    ['', 'body'],
  ])('on the field %j is said of %j, the name the caller knows', async (field, name) => {
    contacts.error = toServiceError(invalidFields([{ field, description: 'is wrong' }]), domain);
    const { status, body } = await create();
    expect({ status, body }).toEqual({
      status: 422,
      body: { message: 'The given data was invalid.', errors: { [name]: ['is wrong'] } },
    });
  });

  it('without naming a field is said of the field it concerns', async () => {
    contacts.error = toServiceError(
      new DomainError('already_exists', 'PHONE_TAKEN', 'Another contact has this phone'),
      domain,
    );
    expect((await create()).body).toEqual({
      message: 'The given data was invalid.',
      errors: { phone: ['Another contact has this phone'] },
    });
  });

  it.each([
    ['an internal error', toServiceError(new DomainError('internal', 'INTERNAL', secret), domain)],
    ['an error without details', { code: GrpcCode.UNKNOWN, details: secret }],
    [
      'a reason the gateway does not know',
      toServiceError(new DomainError('not_found', 'LATER', secret), domain),
    ],
    [
      'a reason named like a property of objects',
      toServiceError(new DomainError('not_found', 'toString', secret), domain),
    ],
  ])('%s is a 500 without internals', async (_what, error) => {
    contacts.error = error;
    const { status, text } = await create();
    expect({ status, text }).toEqual({ status: 500, text: '{"error":"Internal error"}' });
  });

  it('a text of its own never goes out: the gateway’s does', async () => {
    contacts.error = toServiceError(new DomainError('not_found', 'CONTACT_NOT_FOUND', secret), domain);
    const { status, text } = await create();
    expect({ status, text }).toEqual({ status: 404, text: '{"error":"Contact not found"}' });
  });
});
