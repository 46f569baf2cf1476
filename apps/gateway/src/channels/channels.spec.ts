import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ChannelKind, ChannelStatus, DeliveryStatus } from '@parley/contracts/channel';
import { FakeChannelService } from '../testing/fake-channel-service.ts';
import { GatewayApp, type Answer } from '../testing/gateway-app.ts';
import { compile, documentedRoutes, lookUp, type Response } from '../testing/openapi.ts';

const ID = '0198c0de-0000-7000-8000-000000000002';

let app: GatewayApp;
let channels: FakeChannelService;
let token: string;
let tenantId: string;

beforeAll(async () => {
  channels = await FakeChannelService.start();
  app = await GatewayApp.start(() => ({ CHANNEL_ADDRESS: channels.address }));
  const created = await app.createToken();
  token = created.token;
  const caller = await app.tokens.findCaller(token);
  tenantId = caller!.tenantId;
});
beforeEach(() => {
  channels.asked.length = 0;
  channels.channel = { ...channels.channel, kind: ChannelKind.WEBHOOK, error: undefined };
});
afterAll(async () => {
  await app.close();
  channels.stop();
});

/** What is answered, held against openapi.yaml. */
async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await app.request(method, `/api/v1/channels${path}`, { token, body });
  const route = documentedRoutes.find(
    (one) =>
      one.method === method &&
      new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(
        `/api/v1/channels${path.split('?')[0]!}`,
      ),
  );
  const documented = lookUp<Response>(route!.operation.responses[answer.status]!);
  const schema = documented.content?.['application/json']?.schema;
  if (schema) {
    const valid = compile(schema);
    valid(answer.body);
    expect(valid.errors ?? []).toEqual([]);
  } else expect(answer.text).toBe('');
  return answer;
}

describe('/channels', () => {
  it('sets a webhook, and shows the signing secret that was made', async () => {
    const { status, body } = await ask('PUT', '/webhook', { url: 'https://shop.example.com/parley' });
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        kind: 'webhook',
        status: 'active',
        url: 'https://shop.example.com/parley',
        error: null,
        created_at: '2026-05-07T08:14:23+00:00',
        updated_at: '2026-05-07T08:14:23+00:00',
        signing_secret: 'whsec_c2VjcmV0',
      },
    });
    expect(channels.asked).toEqual([
      {
        rpc: 'setChannel',
        request: {
          tenantId,
          settings: {
            $case: 'webhook',
            value: { url: 'https://shop.example.com/parley', rotateSecret: false },
          },
        },
      },
    ]);
  });

  it('sets WhatsApp; secrets that are not sent are left empty', async () => {
    await ask('PUT', '/whatsapp', { phone_number_id: '42', access_token: 'EAA' });
    expect(channels.asked[0]!.request).toEqual({
      tenantId,
      settings: {
        $case: 'whatsapp',
        value: { phoneNumberId: '42', accessToken: 'EAA', appSecret: '', verifyToken: '' },
      },
    });
  });

  it.each([
    ['/webhook', {}, 'url'],
    ['/webhook', { url: 1 }, 'url'],
    ['/webhook', { url: 'x', rotate_secret: 'yes' }, 'rotate_secret'],
    ['/whatsapp', {}, 'phone_number_id'],
    ['/whatsapp', { phone_number_id: '42', app_secret: 1 }, 'app_secret'],
  ])('%s refuses %j and names %s', async (path, body, field) => {
    const answer = await ask('PUT', path, body);
    expect([answer.status, Object.keys((answer.body as { errors: object }).errors)]).toEqual([422, [field]]);
    expect(channels.asked).toEqual([]);
  });

  it('names a field that the channel service refuses as the body does', async () => {
    channels.fail('INVALID_FIELD');
    const { status, body } = await ask('PUT', '/webhook', { url: 'http://shop.example.com' });
    expect([status, body]).toMatchObject([422, { errors: { url: ['must begin with https://'] } }]);
  });

  it('reads, lists and deletes', async () => {
    channels.channel = {
      ...channels.channel,
      kind: ChannelKind.WHATSAPP,
      status: ChannelStatus.DISABLED,
      phoneNumberId: '42',
      error: { code: 'WHATSAPP_190', message: 'WhatsApp refused the access token', at: new Date(0) },
    };
    const { body } = await ask('GET', '/whatsapp');
    expect(body).toMatchObject({
      kind: 'whatsapp',
      status: 'disabled',
      phone_number_id: '42',
      callback_path: `/webhooks/whatsapp/${channels.channel.tenantId}`,
      error: { code: 'WHATSAPP_190', at: '1970-01-01T00:00:00+00:00' },
    });
    expect((await ask('GET', '')).body).toEqual({ data: [body] });
    expect((await ask('DELETE', '/whatsapp')).status).toBe(204);
    expect(channels.asked.at(-1)).toEqual({
      rpc: 'deleteChannel',
      request: { tenantId, kind: ChannelKind.WHATSAPP },
    });
  });

  it('answers 404 for a kind there is not, and for one that is not set', async () => {
    expect((await ask('GET', '/sms')).status).toBe(404);
    expect(channels.asked).toEqual([]);
    channels.fail('CHANNEL_NOT_FOUND');
    const { status, body } = await ask('GET', '/webhook');
    expect([status, body]).toEqual([404, { error: 'Channel not found' }]);
  });

  it('lists deliveries by status, in pages', async () => {
    const { body } = await ask('GET', '/webhook/deliveries?status=failed&limit=10&after=x');
    expect(body).toEqual({
      data: [
        {
          id: ID,
          effect_id: 'effect-1',
          session_id: channels.delivery.sessionId,
          contact_id: channels.delivery.contactId,
          status: 'failed',
          attempts: 9,
          next_attempt_at: null,
          provider_message_id: null,
          failure: { code: 'HTTP_STATUS', message: 'The webhook answered with status 500' },
          created_at: '2026-05-07T08:14:23+00:00',
          updated_at: '2026-05-07T08:14:23+00:00',
        },
      ],
      next: 'more',
    });
    expect(channels.asked[0]!.request).toEqual({
      tenantId,
      channel: ChannelKind.WEBHOOK,
      status: DeliveryStatus.FAILED,
      pageSize: 10,
      pageToken: 'x',
    });
    expect((await ask('GET', '/webhook/deliveries?status=lost')).status).toBe(422);
  });

  it('sends a failed message again', async () => {
    expect((await ask('POST', `/webhook/deliveries/${ID}/retry`)).body).toMatchObject({ id: ID });
    expect(channels.asked[0]!.request).toEqual({ tenantId, channel: ChannelKind.WEBHOOK, id: ID });
    channels.fail('DELIVERY_NOT_FAILED');
    expect((await ask('POST', `/webhook/deliveries/${ID}/retry`)).status).toBe(409);
    expect((await ask('POST', '/webhook/deliveries/x/retry')).status).toBe(404);
  });

  it('takes a scope of its own', async () => {
    const reader = await app.createToken({ scopes: ['channels:read'] });
    const as = (method: string, body?: object) =>
      app.request(method, '/api/v1/channels/webhook', { token: reader.token, body });
    expect((await as('GET')).status).toBe(200);
    expect((await as('PUT', { url: 'https://shop.example.com' })).status).toBe(403);
    expect((await as('DELETE')).status).toBe(403);
  });
});
