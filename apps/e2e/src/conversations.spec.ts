import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freePort, HttpRecorder } from '@parley/testing';
import { Webhook } from 'standardwebhooks';
import { Cluster } from './cluster.ts';

/** A cart that tags who buys. Its question has buttons on WhatsApp. */
const definition = {
  nodes: [
    { id: 'start', type: 'entry' },
    {
      id: 'ask',
      type: 'ask',
      data: {
        text: 'Your cart {{context.cart_id}} is waiting. Finish your order?',
        choices: [
          { id: 'yes', title: 'Yes' },
          { id: 'later', title: 'Later' },
        ],
        max_attempts: 3,
      },
    },
    { id: 'tag', type: 'set', data: { tags_add: ['buyer'], tags_remove: ['waiting'] } },
    {
      id: 'pay',
      type: 'send_message',
      data: { text: 'Here you go: https://shop.example/{{context.cart_id}}' },
    },
    { id: 'done', type: 'end', data: { outcome: 'recovered' } },
  ],
  edges: [
    { source: 'start', target: 'ask' },
    { source: 'ask', sourceHandle: 'yes', target: 'tag' },
    { source: 'tag', target: 'pay' },
    { source: 'pay', target: 'done' },
  ],
};
const WHATSAPP = {
  phone_number_id: '106540352242922',
  access_token: 'EAAJB-token',
  app_secret: 'app-secret',
  verify_token: 'verify-me',
};

let cluster: Cluster;
/** Where a shop takes webhooks, and what stands in for Meta's API. */
let shop: HttpRecorder;
let meta: HttpRecorder;
let inboundPort: number;

beforeAll(async () => {
  shop = await HttpRecorder.start(() => ({ status: 204 }));
  meta = await HttpRecorder.start((_request, number) => ({
    status: 200,
    body: JSON.stringify({ messaging_product: 'whatsapp', messages: [{ id: `wamid.${number}` }] }),
    headers: { 'content-type': 'application/json' },
  }));
  inboundPort = await freePort();
  cluster = await Cluster.start({
    settings: (name): Record<string, string> =>
      name === 'channel'
        ? {
            HTTP_PORT: String(inboundPort),
            ALLOW_PRIVATE_TARGETS: 'true',
            WHATSAPP_BASE_URL: `${meta.url}/v23.0`,
          }
        : {},
  });
});
afterAll(async () => {
  await cluster.stop();
  await Promise.all([shop.close(), meta.close()]);
});

/** Starts a session of the cart with a new contact. */
async function trigger(channel: string, phone: string): Promise<{ sessionId: string; contactId: string }> {
  const contact = await cluster.request('POST', '/actions/create-contact', { phone, tags: ['waiting'] });
  expect(contact.status).toBe(201);
  const created = await cluster.request('POST', '/flows', {
    name: 'Cart',
    definition,
    settings: { channel },
  });
  const { id: flow_id } = created.body as { id: string };
  expect((await cluster.request('POST', `/flows/${flow_id}/publish`)).status).toBe(200);
  const started = await cluster.trigger({ flow_id, phone, context: { cart_id: '987' } });
  expect(started.status).toBe(201);
  const { id, contact_id } = started.body as { id: string; contact_id: string };
  return { sessionId: id, contactId: contact_id };
}

/** A new consumer hears all that the specs before have asked for on this NATS, and it can be much. */
const HEARD_MS = 60_000;

/** Waits for so many requests, and gives their bodies. */
const received = (recorder: HttpRecorder, count: number): Promise<Record<string, unknown>[]> =>
  eventually(() => {
    if (recorder.requests.length < count) throw new Error(`${recorder.requests.length} requests came`);
    return recorder.bodies;
  }, HEARD_MS);

/** The session has ended as it should, and its contact has the flow's tags. */
async function expectRecovered({
  sessionId,
  contactId,
}: {
  sessionId: string;
  contactId: string;
}): Promise<void> {
  expect((await cluster.request('GET', `/sessions/${sessionId}`)).body).toMatchObject({
    status: 'completed',
    outcome: 'recovered',
  });
  await eventually(async () => {
    const { body } = await cluster.request('GET', `/contacts/${contactId}`);
    expect((body as { tags: string[] }).tags).toEqual(['buyer']);
  }, HEARD_MS);
}

describe('a conversation', () => {
  it('by webhook: the question comes signed, the button’s payload goes back, the answer comes', async () => {
    const set = await cluster.request('PUT', '/channels/webhook', { url: `${shop.url}/parley` });
    const { signing_secret } = set.body as { signing_secret: string };
    const session = await trigger('webhook', '+14155550123');

    const [asked] = await received(shop, 1);
    const { headers, body } = shop.requests[0]!;
    expect(new Webhook(signing_secret).verify(body, headers as Record<string, string>)).toEqual(asked);
    const question = asked!['data'] as { choices: { title: string; payload: string }[] };
    expect(question).toMatchObject({
      session_id: session.sessionId,
      phone: '+14155550123',
      text: 'Your cart 987 is waiting. Finish your order?',
      choices: [{ title: 'Yes' }, { title: 'Later' }],
    });
    const reply = await cluster.request('POST', '/actions/receive-message', {
      phone: '+14155550123',
      payload: question.choices[0]!.payload,
    });
    expect(reply.body).toMatchObject({ result: 'accepted', session: { id: session.sessionId } });
    const [, answer] = await received(shop, 2);
    expect(answer).toMatchObject({ data: { text: 'Here you go: https://shop.example/987' } });
    await expectRecovered(session);
  }, 150_000);

  it('by WhatsApp: buttons go out, the pressed one comes in by Meta’s webhook, the answer goes out', async () => {
    expect((await cluster.request('PUT', '/channels/whatsapp', WHATSAPP)).status).toBe(200);
    const session = await trigger('whatsapp', '+14155550124');

    const [asked] = await received(meta, 1);
    expect(meta.requests[0]!.path).toBe('/v23.0/106540352242922/messages');
    expect(asked).toMatchObject({
      messaging_product: 'whatsapp',
      to: '+14155550124',
      type: 'interactive',
      interactive: { type: 'button', body: { text: 'Your cart 987 is waiting. Finish your order?' } },
    });
    const { interactive } = asked as {
      interactive: { action: { buttons: { reply: { id: string; title: string } }[] } };
    };
    const [yes] = interactive.action.buttons.map(({ reply }) => reply);
    expect((await notify([pressed('wamid.in.1', yes!)])).status).toBe(200);
    const [, answer] = await received(meta, 2);
    expect(answer).toMatchObject({ type: 'text', text: { body: 'Here you go: https://shop.example/987' } });
    await expectRecovered(session);

    // Meta sends it again: it is taken once.
    expect((await notify([pressed('wamid.in.1', yes!)])).status).toBe(200);
    const { body } = await cluster.request('GET', `/sessions/${session.sessionId}/timeline`);
    const types = (body as { data: { type: string }[] }).data.map(({ type }) => type);
    expect(types.filter((type) => type === 'reply')).toHaveLength(1);
    expect(types).not.toContain('ignored');
  }, 150_000);

  it('goes by no other channel than the one its flow is made for', () => {
    expect(shop.requests).toHaveLength(2);
    expect(meta.requests).toHaveLength(2);
  });
});

const pressed = (id: string, reply: { id: string; title: string }): object => ({
  ...{ from: '14155550124', id, timestamp: String(Math.floor(Date.now() / 1_000)), type: 'interactive' },
  interactive: { type: 'button_reply', button_reply: reply },
});

/** As Meta posts what contacts send. */
function notify(messages: object[]): Promise<Response> {
  const metadata = { display_phone_number: '15550783881', phone_number_id: WHATSAPP.phone_number_id };
  const value = { messaging_product: 'whatsapp', metadata, messages };
  const entry = [{ id: '102290129340398', changes: [{ field: 'messages', value }] }];
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry });
  const signature = createHmac('sha256', WHATSAPP.app_secret).update(body).digest('hex');
  return fetch(`http://127.0.0.1:${inboundPort}/webhooks/whatsapp/${cluster.tenantIdOf()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` },
    body,
  });
}
