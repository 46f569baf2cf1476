import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ReplyResult } from '@parley/contracts/session';
import { v7 as uuidv7 } from 'uuid';
import { ChannelApp, WHATSAPP } from '../testing/channel-app.ts';
import {
  buttonReply,
  listReply,
  notification,
  notify,
  statusOf,
  templateButton,
  textMessage,
} from '../testing/fake-whatsapp.ts';

let app: ChannelApp;
let inbound: string;
let metrics: string;
let tenantId: string;
let contactId: string;

beforeAll(async () => {
  app = await ChannelApp.create();
  const service = await app.addReplica({ METRICS_PORT: '0' });
  inbound = service.inboundAddress;
  metrics = service.metricsAddress!;
});
beforeEach(async () => {
  tenantId = uuidv7();
  await app.setWhatsApp(tenantId);
  contactId = app.services.addContact(tenantId, '+14155550123');
  app.services.replies.length = 0;
  app.services.isAway = false;
  app.services.result = ReplyResult.ACCEPTED;
});
afterAll(() => app.close());

const receive = (...messages: object[]) => notify(inbound, tenantId, notification({ messages }));

const counted = async (outcome: string): Promise<number> => {
  const text = await (await fetch(`http://${metrics}/metrics`)).text();
  const line = new RegExp(
    `^parley_inbound_messages_total\\{channel="whatsapp",outcome="${outcome}"\\} (\\d+)`,
    'm',
  );
  return Number(line.exec(text)?.[1] ?? 0);
};

const question = (change: Record<string, string> = {}, tenant = tenantId): Promise<Response> => {
  const query = new URLSearchParams({
    'hub.mode': 'subscribe',
    'hub.verify_token': WHATSAPP.verifyToken,
    'hub.challenge': '1158201444',
    ...change,
  });
  return fetch(`http://${inbound}/webhooks/whatsapp/${tenant}?${query.toString()}`);
};

describe('the question whether the address is ours', () => {
  it('is answered with its challenge where the token is right', async () => {
    const response = await question();
    expect([response.status, await response.text()]).toEqual([200, '1158201444']);
    expect(response.headers.get('content-type')).toMatch('text/plain');
  });

  it.each([
    ['another token', { 'hub.verify_token': 'else' }, 403],
    ['no token', { 'hub.verify_token': '' }, 403],
    ['another mode', { 'hub.mode': 'unsubscribe' }, 403],
  ])('is not answered with %s', async (_what, change, status) => {
    const response = await question(change);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain('1158201444');
  });

  it.each(['x', uuidv7(), "' OR 1=1"])(
    'is not answered for %s, which is no tenant with WhatsApp',
    async (tenant) => {
      expect((await question({}, encodeURIComponent(tenant))).status).toBe(404);
    },
  );
});

describe('what a contact sends', () => {
  it.each([
    ['a text', textMessage('wamid.t', 'Yes please'), { text: 'Yes please', payload: '' }],
    ['a button', buttonReply('wamid.b', 's:1:yes', 'Yes'), { text: 'Yes', payload: 's:1:yes' }],
    ['a row of a list', listReply('wamid.l', 's:1:c2', 'Orders'), { text: 'Orders', payload: 's:1:c2' }],
    ['a quick reply', templateButton('wamid.q', 'STOP', 'Stop'), { text: 'Stop', payload: 'STOP' }],
  ])(
    '%s is submitted as a reply of the contact, under the id Meta gave it',
    async (_what, message, reply) => {
      expect((await receive(message)).status).toBe(200);
      const messageId = (message as { id: string }).id;
      expect(app.services.replies).toEqual([
        { tenantId, sessionId: '', contactId, waitId: 0, messageId, ...reply },
      ]);
    },
  );

  it('goes in the order it came', async () => {
    await receive(
      textMessage('wamid.1', 'one'),
      textMessage('wamid.2', 'two'),
      textMessage('wamid.3', 'three'),
    );
    expect(app.services.replies.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('from somebody unknown is let be, and counted', async () => {
    const before = await counted('unknown_contact');
    expect((await receive(textMessage('wamid.1', 'hi', '14155550999'))).status).toBe(200);
    expect((await receive(textMessage('wamid.1', 'hi', 'nobody'))).status).toBe(200);
    expect(app.services.replies).toEqual([]);
    expect(await counted('unknown_contact')).toBe(before + 2);
  });

  it.each([
    ['+525512345678', '5215512345678'],
    ['+525512345678', '525512345678'],
    ['+5511987654321', '551187654321'],
    ['+551187654321', '5511987654321'],
    ['+5511987654321', '5511987654321'],
  ])('is of the contact %s, whom WhatsApp calls %s', async (phone, from) => {
    const tenant = uuidv7();
    await app.setWhatsApp(tenant);
    const id = app.services.addContact(tenant, phone);
    const messages = [textMessage('wamid.1', 'hi', from)];
    expect((await notify(inbound, tenant, notification({ messages }))).status).toBe(200);
    expect(app.services.replies).toMatchObject([{ contactId: id, text: 'hi' }]);
  });

  it.each([
    ['a landline of Brazil', '+5511932654321', '551132654321'],
    ['a Mexican number that is a digit short', '+52551234567', '521551234567'],
  ])('is not of another contact than that: %s', async (_what, phone, from) => {
    const tenant = uuidv7();
    await app.setWhatsApp(tenant);
    app.services.addContact(tenant, phone);
    const messages = [textMessage('wamid.1', 'hi', from)];
    expect((await notify(inbound, tenant, notification({ messages }))).status).toBe(200);
    expect(app.services.replies).toEqual([]);
  });

  it('whose id is forgotten is let be: a notification that somebody kept is signed as it was', async () => {
    const before = await counted('ignored');
    const sent = (hoursAgo: number, id: string) => ({
      ...textMessage(id, `${hoursAgo}`),
      timestamp: String(Math.floor(Date.now() / 1_000) - hoursAgo * 3_600),
    });
    expect((await receive(sent(25, 'wamid.1'), sent(23, 'wamid.2'))).status).toBe(200);
    // Meta always says when.
    const unsaid = { ...textMessage('wamid.3', 'x'), timestamp: undefined };
    expect((await receive(unsaid)).status).toBe(200);
    expect(app.services.replies.map(({ text }) => text)).toEqual(['23', 'x']);
    expect(await counted('ignored')).toBe(before + 1);
  });

  it("that another tenant's contact has the phone of is not given to that tenant", async () => {
    const other = uuidv7();
    await app.setWhatsApp(other);
    await notify(inbound, other, notification({ messages: [textMessage('wamid.1', 'hi')] }));
    expect(app.services.replies).toEqual([]);
  });

  it('that no session waits for is let be, and counted', async () => {
    const before = await counted('no_session');
    app.services.result = ReplyResult.NO_SESSION;
    expect((await receive(textMessage('wamid.1', 'hi'))).status).toBe(200);
    expect(await counted('no_session')).toBe(before + 1);
  });

  it.each([
    ['a picture', { from: '14155550123', id: 'wamid.i', type: 'image', image: { id: '1' } }],
    ['a reaction', { from: '14155550123', id: 'wamid.r', type: 'reaction', reaction: { emoji: '👍' } }],
    ['nonsense', 1],
  ])('%s is let be, and the others are taken', async (_what, message) => {
    const before = await counted('unsupported');
    expect((await receive(message as object, textMessage('wamid.1', 'hi'))).status).toBe(200);
    expect(app.services.replies).toHaveLength(1);
    expect(await counted('unsupported')).toBe(before + 1);
  });

  it('about another number of the app is let be', async () => {
    const messages = [textMessage('wamid.1', 'hi')];
    expect((await notify(inbound, tenantId, notification({ messages }, '999'))).status).toBe(200);
    expect(app.services.replies).toEqual([]);
  });

  it('comes again while a service is away: the answer is 503', async () => {
    app.services.isAway = true;
    const response = await receive(textMessage('wamid.1', 'hi'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    app.services.isAway = false;
    expect((await receive(textMessage('wamid.1', 'hi'))).status).toBe(200);
    expect(app.services.replies.map(({ messageId }) => messageId)).toEqual(['wamid.1']);
  });
});

const SIGNED = `X-Hub-Signature-256: sha256=${'0'.repeat(64)}\r\n`;
/** A notification whose body is not all there yet. */
async function begin(tenant: string, headers: string): Promise<Socket> {
  const [host, port] = inbound.split(':');
  const socket = connectTcp(Number(port), host);
  await once(socket, 'connect');
  const head = `POST /webhooks/whatsapp/${tenant} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: 100\r\n\r\n{`;
  await new Promise((resolve) => socket.write(head, resolve));
  return socket;
}

describe('a notification', () => {
  const body = notification({ messages: [textMessage('wamid.1', 'hi')] });

  it.each([
    ['without a signature', { 'x-hub-signature-256': '' }, undefined],
    ['with a signature of something else', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }, undefined],
    ['signed with another secret', {}, 'else'],
  ])('%s is refused', async (_how, headers, secret) => {
    expect((await notify(inbound, tenantId, body, headers, secret)).status).toBe(401);
    expect(app.services.replies).toEqual([]);
  });

  it('signed before it was changed is refused', async () => {
    const signature = createHmac('sha256', WHATSAPP.appSecret).update(body).digest('hex');
    const changed = body.replace('"hi"', '"yo"');
    const response = await notify(inbound, tenantId, changed, {
      'x-hub-signature-256': `sha256=${signature}`,
    });
    expect(response.status).toBe(401);
  });

  it('for a tenant without WhatsApp is not taken', async () => {
    expect((await notify(inbound, uuidv7(), body)).status).toBe(404);
  });

  it.each([
    ['', 400],
    ['{', 400],
    ['[]', 400],
    ['null', 400],
    ['{"entry":[{"changes":[{"field":"messages"}]}]}', 200],
    ['{"entry":[null]}', 400],
    ['{"entry":[{"changes":[{"field":"account_update","value":{}}]}]}', 200],
    [notification({ statuses: [{}, statusOf('wamid.unknown', 'delivered'), statusOf('x', 'warped')] }), 200],
    [notification({ statuses: [statusOf('x', 'failed', { biz_opaque_callback_data: 'no id' })] }), 200],
    [notification({ messages: 'x' }), 200],
  ])('%s is answered, never with a fault of ours', async (text, status) => {
    expect((await notify(inbound, tenantId, text)).status).toBe(status);
  });

  it('larger than 1 MiB is not read', async () => {
    const large = notification({ messages: [textMessage('wamid.1', 'x'.repeat(1024 * 1024))] });
    expect((await notify(inbound, tenantId, large)).status).toBe(413);
  });

  it('of another method or path is refused', async () => {
    const at = (path: string, method: string) => fetch(`http://${inbound}${path}`, { method });
    expect((await at(`/webhooks/whatsapp/${tenantId}`, 'PUT')).status).toBe(405);
    for (const path of ['/', '/webhooks/whatsapp', '/webhooks/whatsapp/', `/webhooks/sms/${tenantId}`]) {
      expect((await at(path, 'POST')).status).toBe(404);
    }
  });

  it.each([
    ['for a tenant without WhatsApp', uuidv7, SIGNED, 404],
    ['without a signature', () => tenantId, '', 401],
  ])('%s is answered before its body comes', async (_what, tenant, headers, status) => {
    const socket = await begin(tenant(), headers);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    socket.destroy();
  });

  it('that breaks off harms nobody, and is no fault to be logged', async () => {
    const errors = jest.spyOn(app.logger, 'error');
    const socket = await begin(tenantId, SIGNED);
    socket.destroy();
    expect((await receive(textMessage('wamid.1', 'hi'))).status).toBe(200);
    expect(errors.mock.calls).toEqual([]);
    errors.mockRestore();
  });
});
