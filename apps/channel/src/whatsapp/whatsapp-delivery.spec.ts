import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ChannelKind, DeliveryStatus, type Delivery } from '@parley/contracts/channel';
import { call } from '@parley/grpc';
import {
  EventProbe,
  eventually,
  HttpRecorder,
  type RecordedAnswer,
  type RecordedRequest,
} from '@parley/testing';
import { ChannelApp, newMessage, WHATSAPP, type NewMessage } from '../testing/channel-app.ts';
import { notification, notify, refused, statusOf, taken } from '../testing/fake-whatsapp.ts';

const { PENDING, SENT, DELIVERED, FAILED } = DeliveryStatus;

let app: ChannelApp;
let meta: HttpRecorder;
let answer: (request: RecordedRequest, number: number) => RecordedAnswer;
let inbound: string;

beforeEach(async () => {
  answer = (_request, number) => taken(`wamid.${number}`);
  meta = await HttpRecorder.start((request, number) => answer(request, number));
  app = await ChannelApp.create();
  ({ inboundAddress: inbound } = await app.addReplica({ WHATSAPP_BASE_URL: `${meta.url}/v23.0` }));
});
afterEach(async () => {
  await app.close();
  await meta.close();
});

/** Asks for a message in a tenant that has WhatsApp. */
async function request(change: Partial<NewMessage> = {}): Promise<NewMessage> {
  const message = newMessage(app, change);
  await app.setWhatsApp(message.tenantId);
  await app.request(message);
  return message;
}

const tell = (tenantId: string, ...statuses: object[]): Promise<Response> =>
  notify(inbound, tenantId, notification({ statuses }));

/** What a status of the message has that was the nth to be posted. */
const referenceIn = (number: number): object => {
  const { biz_opaque_callback_data } = meta.bodies[number - 1]!;
  return { biz_opaque_callback_data };
};

const undeliverable = { errors: [{ code: 131_026, title: 'Message undeliverable' }] };

describe('a message for WhatsApp', () => {
  it('is posted to the number with its token; delivered once Meta says so, and told of then', async () => {
    const message = await request();
    const { tenantId } = message;
    const [sent] = await app.waitFor(tenantId, SENT);
    expect(sent).toMatchObject({ channel: ChannelKind.WHATSAPP, providerMessageId: 'wamid.1', attempts: 1 });
    const [posted] = meta.requests;
    expect(posted!.path).toBe(`/v23.0/${WHATSAPP.phoneNumberId}/messages`);
    expect(posted!.headers.authorization).toBe(`Bearer ${WHATSAPP.accessToken}`);
    expect(meta.bodies[0]).toMatchObject({ to: '+14155550123', biz_opaque_callback_data: `${sent!.id}.0.1` });

    expect((await tell(tenantId, statusOf('wamid.1', 'sent'))).status).toBe(200);
    expect((await tell(tenantId, statusOf('wamid.1', 'delivered'))).status).toBe(200);
    expect((await tell(tenantId, statusOf('wamid.1', 'read'))).status).toBe(200);
    await app.waitFor(tenantId, DELIVERED);
    const probe = await EventProbe.open('PARLEY_CHANNEL', tenantId);
    const [told] = await probe.waitFor('message.delivered');
    expect(told!.data).toMatchObject({
      effect_id: message.effect_id,
      channel: 'whatsapp',
      provider_message_id: 'wamid.1',
    });
    expect(JSON.stringify(probe.events)).not.toContain('14155550123');
    expect(probe.events).toHaveLength(1);
    await probe.close();
  });

  it('that Meta took and then could not deliver fails, and is told of', async () => {
    const { tenantId } = await request();
    await app.waitFor(tenantId, SENT);
    await tell(tenantId, statusOf('wamid.1', 'failed', undeliverable));
    // What comes late changes nothing.
    await tell(tenantId, statusOf('wamid.1', 'delivered'));
    const [failed] = await app.waitFor(tenantId, FAILED);
    expect(failed!.failure).toMatchObject({ code: 'WHATSAPP_131026' });
  });

  it.each([
    ['our reference', referenceIn],
    [
      'the reference of the version before',
      (_number: number, { id }: Delivery) => ({ biz_opaque_callback_data: id }),
    ],
  ])('whose answer was lost is known by %s, and not sent again', async (_which, reference) => {
    const open = Promise.withResolvers<void>();
    answer = () => ({ ...taken('wamid.lost'), when: open.promise, breaks: true });
    const { tenantId } = await request();
    await eventually(() => expect(meta.requests).toHaveLength(1));
    const [pending] = await app.waitFor(tenantId, PENDING);
    await tell(tenantId, statusOf('wamid.lost', 'sent', reference(1, pending!)));
    open.resolve();
    await tell(tenantId, statusOf('wamid.lost', 'delivered'));
    const [delivered] = await app.waitFor(tenantId, DELIVERED);
    expect(delivered).toMatchObject({ providerMessageId: 'wamid.lost' });
    expect(meta.requests).toHaveLength(1);
  });

  it('whose answer was lost is known by our reference after an attempt, too, that was none', async () => {
    answer = () => {
      app.services.isAway = true;
      return { ...taken('wamid.lost'), breaks: true };
    };
    const { tenantId } = await request();
    await eventually(async () => {
      const [delivery] = await app.deliveries(tenantId);
      expect(delivery).toMatchObject({ attempts: 1, failure: { code: 'UNAVAILABLE' } });
    });
    await tell(tenantId, statusOf('wamid.lost', 'delivered', referenceIn(1)));
    await app.waitFor(tenantId, DELIVERED);
  });

  it("another tenant's statuses say nothing of it", async () => {
    const { tenantId } = await request();
    const [sent] = await app.waitFor(tenantId, SENT);
    const { tenantId: other } = await request();
    await app.waitFor(other, SENT);
    await tell(other, statusOf(sent!.providerMessageId, 'failed', referenceIn(1)));
    expect(await app.deliveries(tenantId)).toMatchObject([{ status: SENT }]);
  });
});

describe('a message that was sent again', () => {
  it.each([
    ['our reference', referenceIn],
    [
      'the reference of the version before',
      (_number: number, { id }: Delivery) => ({ biz_opaque_callback_data: id }),
    ],
    ['no reference', () => ({})],
  ])('by a retry is not settled by what Meta repeats of the first, with %s', async (_which, reference) => {
    const open = Promise.withResolvers<void>();
    answer = (_request, number) => ({
      ...taken(`wamid.${number}`),
      ...(number === 2 && { when: open.promise }),
    });
    const { tenantId } = await request();
    const [first] = await app.waitFor(tenantId, SENT);
    const { id } = first!;
    const repeated = statusOf('wamid.1', 'failed', { ...undeliverable, ...reference(1, first!) });
    await tell(tenantId, repeated);
    await app.waitFor(tenantId, FAILED);
    await call(app.client, app.client.retryDelivery, { tenantId, id, channel: ChannelKind.UNSPECIFIED });
    await eventually(() => expect(meta.requests).toHaveLength(2));
    // While the second is under way, and once it is sent.
    await tell(tenantId, repeated);
    expect(await app.deliveries(tenantId)).toMatchObject([{ status: PENDING }]);
    open.resolve();
    await app.waitFor(tenantId, SENT);
    await tell(tenantId, repeated);
    expect(await app.deliveries(tenantId)).toMatchObject([{ status: SENT, providerMessageId: 'wamid.2' }]);
    await tell(tenantId, statusOf('wamid.2', 'delivered', reference(2, first!)));
    const [delivered] = await app.waitFor(tenantId, DELIVERED);
    expect(delivered).toMatchObject({ providerMessageId: 'wamid.2', failure: undefined });
  });

  it('because an answer was lost is settled by what Meta says of the last attempt, before its answer or after', async () => {
    const open = Promise.withResolvers<void>();
    answer = (_request, number) =>
      number === 2 ? { ...taken('wamid.2'), when: open.promise } : { ...taken('wamid.1'), breaks: true };
    const { tenantId } = await request();
    await eventually(() => expect(meta.requests).toHaveLength(2));
    expect(referenceIn(2)).not.toEqual(referenceIn(1));
    const failed = statusOf('wamid.1', 'failed', { ...undeliverable, ...referenceIn(1) });
    await tell(tenantId, failed);
    expect(await app.deliveries(tenantId)).toMatchObject([{ status: PENDING, attempts: 2 }]);
    await tell(tenantId, statusOf('wamid.2', 'sent', referenceIn(2)));
    await app.waitFor(tenantId, SENT);
    open.resolve();
    await tell(tenantId, failed);
    expect(await app.deliveries(tenantId)).toMatchObject([{ status: SENT, providerMessageId: 'wamid.2' }]);
    await tell(tenantId, statusOf('wamid.2', 'delivered', referenceIn(2)));
    await app.waitFor(tenantId, DELIVERED);
    expect(meta.requests).toHaveLength(2);
  });
});

describe('what the Cloud API answers', () => {
  it.each([
    ['rate limit of the number', refused(429, 130_429, 'Rate limit hit'), 'WHATSAPP_130429'],
    ['rate limit of the contact', refused(400, 131_056, 'Pair rate limit hit'), 'WHATSAPP_131056'],
    ['rate limit of the account', refused(400, 80_007, 'Rate limit issues'), 'WHATSAPP_80007'],
    ['too many calls', refused(400, 4, 'Application request limit reached'), 'WHATSAPP_4'],
    ['a fault of its own', refused(500, 131_000, 'Something went wrong'), 'WHATSAPP_131000'],
    ['maintenance', refused(503, 131_057, 'Account in maintenance mode'), 'WHATSAPP_131057'],
    ['no JSON at all', { status: 502, body: '<html>Bad gateway</html>' }, 'HTTP_STATUS'],
  ])('%s: the message is sent again', async (_what, refusal, code) => {
    answer = (_request, number) => (number === 1 ? refusal : taken('wamid.2'));
    const { tenantId } = await request();
    await eventually(async () => {
      const [row] = await app.database.query<{ failure_code: string | null; attempts: number }>(
        'SELECT failure_code, attempts FROM deliveries WHERE tenant_id = $1',
        [tenantId],
      );
      expect([code, null]).toContain(row!.failure_code);
      expect(row!.attempts).toBe(2);
    });
    const [sent] = await app.waitFor(tenantId, SENT);
    expect(sent).toMatchObject({ attempts: 2, providerMessageId: 'wamid.2', failure: undefined });
  });

  it.each([
    ['re-engagement', refused(400, 131_047, 'Re-engagement message', 'More than 24 hours'), 131_047],
    ['undeliverable', refused(400, 131_026, 'Message undeliverable'), 131_026],
    ['invalid parameter', refused(400, 100, 'Invalid parameter'), 100],
    ['a template that is not there', refused(404, 132_001, 'Template name does not exist'), 132_001],
    ['a code we do not know', refused(400, 139_999, 'Something new'), 139_999],
  ])('%s: the message has failed for good', async (_what, refusal, code) => {
    answer = () => refusal;
    const { tenantId } = await request();
    const [failed] = await app.waitFor(tenantId, FAILED);
    expect(failed).toMatchObject({ attempts: 1, failure: { code: `WHATSAPP_${code}` } });
    expect(meta.requests).toHaveLength(1);
  });

  it('a token that is refused is said of the channel, until a message goes through', async () => {
    answer = (_request, number) =>
      number < 3 ? refused(401, 190, 'Access token has expired') : taken('wamid.3');
    const { tenantId } = await request();
    await eventually(async () => {
      const channel = await app.channel(tenantId, ChannelKind.WHATSAPP);
      expect(channel.error).toMatchObject({ code: 'WHATSAPP_190' });
    });
    await app.waitFor(tenantId, SENT);
    await eventually(async () => {
      expect((await app.channel(tenantId, ChannelKind.WHATSAPP)).error).toBeUndefined();
    });
  });

  it('is not repeated in what we say: it may quote the message', async () => {
    answer = () => refused(400, 100, 'Invalid parameter "secret text" for +14155550123');
    const { tenantId } = await request();
    const [failed] = await app.waitFor(tenantId, FAILED);
    expect(JSON.stringify(failed)).not.toMatch(/secret|4155550123/);
  });
});

describe('a template with media', () => {
  it('has it as its header', async () => {
    const template = { name: 'offer', language: 'en', variables: [{ name: '1', value: 'Ada' }] };
    const media = { type: 'image', url: 'https://shop.example/a.png', caption: '' } as const;
    const { tenantId } = await request({ text: '', template, media });
    await app.waitFor(tenantId, SENT);
    expect(meta.bodies).toMatchObject([
      {
        type: 'template',
        template: {
          components: [
            { type: 'header', parameters: [{ type: 'image', image: { link: media.url } }] },
            { type: 'body', parameters: [{ type: 'text', text: 'Ada' }] },
          ],
        },
      },
    ]);
  });
});

describe('a message that WhatsApp cannot show', () => {
  const template = { name: 'offer', language: 'en', variables: [] };
  it.each<[string, Partial<NewMessage>]>([
    ['a text that is too long', { text: 'x'.repeat(4_097) }],
    [
      'a template with a caption',
      { text: '', template, media: { type: 'image', url: 'https://a.example', caption: 'hi' } },
    ],
    [
      'a template with a recording',
      { text: '', template, media: { type: 'audio', url: 'https://a.example', caption: '' } },
    ],
  ])('fails without being sent: %s', async (_what, message) => {
    const { tenantId } = await request(message);
    const [failed] = await app.waitFor(tenantId, FAILED);
    expect(failed!.failure).toMatchObject({ code: 'MESSAGE_UNSENDABLE' });
    expect(meta.requests).toEqual([]);
  });
});

describe('a conversation', () => {
  it('arrives at the Cloud API in order, each kind of message as it wants it', async () => {
    const first = newMessage(app);
    const { tenantId, session_id, contact_id } = first;
    await app.setWhatsApp(tenantId);
    const choice = (id: string, title: string) => ({ id, title, payload: `${session_id}:1:${id}` });
    const bodies: Partial<NewMessage>[] = [
      { text: 'Your cart 987654321 (129.90 €) is waiting.', wait_id: 0 },
      { text: 'Finish your order?', choices: [choice('yes', 'Yes'), choice('later', 'Later')] },
      {
        text: 'What may we help with?',
        choices: ['Orders', 'Returns', 'Payment', 'Something else'].map((title, at) =>
          choice(`c${at}`, title),
        ),
      },
      { text: 'Here it is', media: { type: 'image', url: 'https://shop.example/cart.png', caption: '' } },
      {
        text: '',
        template: {
          name: 'cart_reminder',
          language: 'en_US',
          variables: [{ name: 'cart_id', value: '987654321' }],
        },
      },
    ];
    for (const [index, body] of bodies.entries()) {
      await app.request(newMessage(app, { tenantId, session_id, contact_id, sequence: index + 2, ...body }));
    }
    await app.waitFor(tenantId, ...bodies.map(() => SENT));
    const received = meta.bodies.map(({ biz_opaque_callback_data: reference, ...body }) => {
      expect(reference).toMatch(/^[0-9a-f-]{36}\.0\.1$/);
      return body;
    });
    console.info('The Cloud API received', JSON.stringify(received, null, 2));
    const to = { messaging_product: 'whatsapp', recipient_type: 'individual', to: '+14155550123' };
    expect(received).toEqual([
      {
        ...to,
        type: 'text',
        text: { body: 'Your cart 987654321 (129.90 €) is waiting.', preview_url: true },
      },
      {
        ...to,
        type: 'interactive',
        interactive: {
          type: 'button',
          body: { text: 'Finish your order?' },
          action: {
            buttons: [
              { type: 'reply', reply: { id: `${session_id}:1:yes`, title: 'Yes' } },
              { type: 'reply', reply: { id: `${session_id}:1:later`, title: 'Later' } },
            ],
          },
        },
      },
      {
        ...to,
        type: 'interactive',
        interactive: {
          type: 'list',
          body: { text: 'What may we help with?' },
          action: {
            button: 'Options',
            sections: [
              {
                rows: ['Orders', 'Returns', 'Payment', 'Something else'].map((title, at) => ({
                  id: `${session_id}:1:c${at}`,
                  title,
                })),
              },
            ],
          },
        },
      },
      { ...to, type: 'image', image: { link: 'https://shop.example/cart.png', caption: 'Here it is' } },
      {
        ...to,
        type: 'template',
        template: {
          name: 'cart_reminder',
          language: { code: 'en_US' },
          components: [
            { type: 'body', parameters: [{ type: 'text', parameter_name: 'cart_id', text: '987654321' }] },
          ],
        },
      },
    ]);
  });
});
