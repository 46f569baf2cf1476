import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ChannelKind, ChannelStatus, DeliveryStatus } from '@parley/contracts/channel';
import { call } from '@parley/grpc';
import {
  EventProbe,
  eventually,
  HttpRecorder,
  type RecordedAnswer,
  type RecordedRequest,
} from '@parley/testing';
import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { ChannelApp, newMessage } from './testing/channel-app.ts';

const { PENDING, DELIVERED, FAILED } = DeliveryStatus;

let app: ChannelApp;
const receivers: HttpRecorder[] = [];

beforeEach(async () => {
  app = await ChannelApp.create();
});
afterEach(async () => {
  await app.close();
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

async function receive(
  answer: (request: RecordedRequest, number: number) => RecordedAnswer = () => ({ status: 204 }),
): Promise<HttpRecorder> {
  const receiver = await HttpRecorder.start(answer);
  receivers.push(receiver);
  return receiver;
}

const idsOf = ({ requests }: HttpRecorder): unknown[] => requests.map(({ headers }) => headers['webhook-id']);

describe('a message for a webhook', () => {
  it('is posted with the phone, signed as Standard Webhooks has it, and told of', async () => {
    await app.addReplica();
    const receiver = await receive();
    const message = newMessage(app, {
      choices: [{ id: 'yes', title: 'Yes', payload: 's1:1:yes' }],
    });
    const probe = await EventProbe.open('PARLEY_SESSION', message.tenantId);
    const { signingSecret } = await app.setWebhook(message.tenantId, `${receiver.url}/hook?x=1`);
    await app.request(message);
    const [delivery] = await app.waitFor(message.tenantId, DELIVERED);

    const [request] = receiver.requests;
    expect(request!.path).toBe('/hook?x=1');
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': message.effect_id,
    });
    const headers = request!.headers as Record<string, string>;
    expect(new Webhook(signingSecret).verify(request!.body, headers)).toMatchObject({
      type: 'message.requested',
      data: {
        effect_id: message.effect_id,
        session_id: message.session_id,
        contact_id: message.contact_id,
        phone: '+14155550123',
        text: message.text,
        choices: message.choices,
        wait_id: 1,
      },
    });
    expect(delivery).toMatchObject({ attempts: 1, failure: undefined, effectId: message.effect_id });
    await probe.close();

    const events = await EventProbe.open('PARLEY_CHANNEL', message.tenantId);
    const [told] = await events.waitFor('message.delivered');
    expect(told).toMatchObject({ subject: delivery!.id, sequence: 1, source: '/parley/channel' });
    expect(told!.data).toEqual({
      delivery_id: delivery!.id,
      effect_id: message.effect_id,
      session_id: message.session_id,
      contact_id: message.contact_id,
      channel: 'webhook',
      provider_message_id: '',
      attempts: 1,
    });
    await events.close();
  });

  it('is sent once, however often it is asked for, whichever replica hears it', async () => {
    await Promise.all([app.addReplica(), app.addReplica(), app.addReplica()]);
    const receiver = await receive();
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    // Each a new event to the stream, which drops only what has an id it knows.
    for (let time = 0; time < 5; time++) await app.request(message);
    const last = newMessage(app, { tenantId: message.tenantId });
    await app.request(last);
    await app.waitFor(message.tenantId, DELIVERED, DELIVERED);
    expect(new Set(idsOf(receiver))).toEqual(new Set([message.effect_id, last.effect_id]));
    expect(receiver.requests).toHaveLength(2);
  });

  it('waits for the earlier ones of its session, and for none of another', async () => {
    await Promise.all([app.addReplica(), app.addReplica()]);
    const open = Promise.withResolvers<void>();
    const receiver = await receive((_request, number) =>
      number === 1 ? { status: 500, when: open.promise } : { status: 200 },
    );
    const first = newMessage(app, { sequence: 2 });
    const { tenantId, session_id } = first;
    await app.setWebhook(tenantId, receiver.url);
    const second = newMessage(app, { tenantId, session_id, sequence: 3 });
    const third = newMessage(app, { tenantId, session_id, sequence: 5 });
    const other = newMessage(app, { tenantId });
    await app.request(first);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    for (const message of [third, second, other]) await app.request(message);
    await eventually(() => expect(idsOf(receiver)).toEqual([first, other].map(({ effect_id }) => effect_id)));
    await eventually(async () => {
      const delivered = (await app.deliveries(tenantId)).filter(({ status }) => status === DELIVERED);
      expect(delivered.map(({ effectId }) => effectId)).toEqual([other.effect_id]);
    });
    open.resolve();
    await app.waitFor(tenantId, DELIVERED, DELIVERED, DELIVERED, DELIVERED);
    expect(idsOf(receiver)).toEqual([first, other, first, second, third].map(({ effect_id }) => effect_id));
  });

  it('of a tenant without a channel is none of ours', async () => {
    await app.addReplica();
    const receiver = await receive();
    const nobodys = newMessage(app);
    const known = newMessage(app);
    await app.setWebhook(known.tenantId, receiver.url);
    await app.request(nobodys);
    await app.request(known);
    await app.waitFor(known.tenantId, DELIVERED);
    expect(await app.deliveries(nobodys.tenantId)).toEqual([]);
    expect(idsOf(receiver)).toEqual([known.effect_id]);
  });

  it('heard again is sent if the tenant had a channel when it was asked for, and it cannot have been sent and forgotten', async () => {
    await app.addReplica({ DELIVERY_RETENTION_DAYS: '8' });
    const receiver = await receive();
    const tenantId = uuidv7();
    await app.setWebhook(tenantId, receiver.url);
    const ago = (days: number): Date => new Date(Date.now() - days * 86_400_000);
    await app.database.query('UPDATE channels SET created_at = $1', [ago(7)]);
    const [before, forgotten, after] = [
      newMessage(app, { tenantId, time: ago(7.1) }),
      newMessage(app, { tenantId, time: ago(8.1), channel: 'webhook' }),
      newMessage(app, { tenantId, time: ago(6.9) }),
    ];
    for (const message of [before, forgotten, after]) await app.request(message);
    await app.waitFor(tenantId, DELIVERED);
    expect(idsOf(receiver)).toEqual([after.effect_id]);
  });

  it('for a channel that the tenant does not have fails, and says so', async () => {
    await app.addReplica();
    const message = newMessage(app, { channel: 'whatsapp' });
    await app.request(message);
    const [delivery] = await app.waitFor(message.tenantId, FAILED);
    expect(delivery!.failure).toMatchObject({ code: 'CHANNEL_NOT_SET' });
  });

  it.each([
    ['that is gone', 'CONTACT_NOT_FOUND', () => uuidv7()],
    [
      'that has opted out',
      'CONTACT_OPTED_OUT',
      (tenantId: string) => app.services.addContact(tenantId, '+14155550124', { optedOutAt: new Date() }),
    ],
  ])('to a contact %s is not sent', async (_which, code, contactOf) => {
    await app.addReplica();
    const receiver = await receive();
    const tenantId = uuidv7();
    await app.setWebhook(tenantId, receiver.url);
    await app.request(newMessage(app, { tenantId, contact_id: contactOf(tenantId) }));
    const [delivery] = await app.waitFor(tenantId, FAILED);
    expect(delivery!.failure).toMatchObject({ code });
    expect(receiver.requests).toEqual([]);
  });

  it('waits while the contact service is away, which is no attempt', async () => {
    await app.addReplica();
    const receiver = await receive();
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    app.services.isAway = true;
    await app.request(message);
    await eventually(async () => {
      const [delivery] = await app.deliveries(message.tenantId);
      expect(delivery).toMatchObject({ status: PENDING, attempts: 0, failure: { code: 'UNAVAILABLE' } });
    });
    app.services.isAway = false;
    const [delivery] = await app.waitFor(message.tenantId, DELIVERED);
    expect(delivery).toMatchObject({ attempts: 1, failure: undefined });
  });
});

describe('an attempt that fails', () => {
  it.each([
    ['an error', 'HTTP_STATUS', { status: 500 }],
    ['a refusal', 'HTTP_STATUS', { status: 400 }],
    [
      'a redirect, which is not followed',
      'HTTP_STATUS',
      { status: 307, headers: { location: '/elsewhere' } },
    ],
    ['a broken connection', 'CONNECTION_FAILED', { status: 0, breaks: true }],
    [
      'a change of protocol',
      'CONNECTION_FAILED',
      { status: 101, headers: { connection: 'Upgrade', upgrade: 'websocket' } },
    ],
  ])('with %s is made again, with the same id and body, then given up', async (_how, code, answer) => {
    await app.addReplica();
    const receiver = await receive(() => answer);
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    const probe = await EventProbe.open('PARLEY_CHANNEL', message.tenantId);
    await app.request(message);
    const [delivery] = await app.waitFor(message.tenantId, FAILED);
    expect(delivery).toMatchObject({ attempts: 3, failure: { code } });
    expect(receiver.requests).toHaveLength(3);
    expect(new Set(receiver.requests.map(({ path, body }) => `${path} ${body}`)).size).toBe(1);
    expect(new Set(idsOf(receiver))).toEqual(new Set([message.effect_id]));
    const [told] = await probe.waitFor('message.failed');
    expect(told!.data).toMatchObject({ effect_id: message.effect_id, attempts: 3, failure_code: code });
    await probe.close();
  });

  it('comes again after the pause of its schedule, give or take a tenth, and not before Retry-After', async () => {
    await app.addReplica({ RETRY_SECONDS: '100,1000' });
    const receiver = await receive((_request, number) => ({
      status: 503,
      ...(number > 1 && { headers: { 'retry-after': '2500' } }),
    }));
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    await app.request(message);
    const pauseAfter = async (attempts: number): Promise<number> => {
      const delivery = await eventually(async () => {
        const [found] = await app.deliveries(message.tenantId);
        expect(found).toMatchObject({ attempts, failure: { code: 'HTTP_STATUS' } });
        expect(receiver.requests).toHaveLength(attempts);
        return found!;
      });
      return (delivery.nextAttemptAt!.getTime() - delivery.updatedAt!.getTime()) / 1_000;
    };
    const first = await pauseAfter(1);
    expect(first).toBeGreaterThanOrEqual(90);
    expect(first).toBeLessThanOrEqual(110);
    await app.database.query('UPDATE deliveries SET due_at = now()');
    await eventually(async () => expect(await pauseAfter(2)).toBeGreaterThan(2_400));
  });

  it('by a process that died comes again when its lease is over, with the same id', async () => {
    await app.addReplica();
    const answers = [Promise.withResolvers<void>()];
    const receiver = await receive((_request, number) =>
      number === 1 ? { status: 200, when: answers[0]!.promise } : { status: 200 },
    );
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    await app.request(message);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    // The receiver has it; whoever sent it never writes that down: another one takes the lease over.
    await app.database.query(`UPDATE deliveries SET due_at = now() - interval '1 second'`);
    await eventually(() => expect(idsOf(receiver)).toEqual([message.effect_id, message.effect_id]));
    await app.waitFor(message.tenantId, DELIVERED);
    // What the first one comes to know late changes nothing, and is not told of a second time.
    answers[0]!.resolve();
    await app.closeReplicas();
    const told = await app.database.query(`SELECT type FROM outbox_events WHERE tenant_id = $1`, [
      message.tenantId,
    ]);
    expect(told).toEqual([{ type: 'message.delivered' }]);
  });

  it('is not failed by an attempt whose lease is over, while the next one is under way', async () => {
    await app.addReplica();
    const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const receiver = await receive((_request, number) => ({
      status: number === 1 ? 410 : 200,
      when: answers[number - 1]!.promise,
    }));
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    await app.request(message);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    await app.database.query(`UPDATE deliveries SET due_at = now() - interval '1 second'`);
    await eventually(() => expect(receiver.requests).toHaveLength(2));
    answers[0]!.resolve();
    // All that the first attempt came to is written down.
    await eventually(async () =>
      expect((await app.channel(message.tenantId)).status).toBe(ChannelStatus.DISABLED),
    );
    answers[1]!.resolve();
    await app.waitFor(message.tenantId, DELIVERED);
    await app.closeReplicas();
    const told = await app.database.query(`SELECT type FROM outbox_events WHERE tenant_id = $1`, [
      message.tenantId,
    ]);
    expect(told).toEqual([{ type: 'message.delivered' }]);
  });

  it('a dead letter can be sent again, and is told of again', async () => {
    await app.addReplica();
    let status = 500;
    const receiver = await receive(() => ({ status }));
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    const probe = await EventProbe.open('PARLEY_CHANNEL', message.tenantId);
    await app.request(message);
    const [dead] = await app.waitFor(message.tenantId, FAILED);
    status = 200;
    const { tenantId } = message;
    const retry = (id: string, tenant = tenantId, channel = ChannelKind.WEBHOOK) =>
      call(app.client, app.client.retryDelivery, { tenantId: tenant, id, channel });
    await expect(retry(dead!.id, uuidv7())).rejects.toMatchObject({ reason: 'DELIVERY_NOT_FOUND' });
    await expect(retry(dead!.id, tenantId, ChannelKind.WHATSAPP)).rejects.toMatchObject({
      reason: 'DELIVERY_NOT_FOUND',
    });
    expect((await retry(dead!.id)).delivery).toMatchObject({
      status: PENDING,
      attempts: 0,
      failure: undefined,
    });
    await app.waitFor(tenantId, DELIVERED);
    await expect(retry(dead!.id)).rejects.toMatchObject({ reason: 'DELIVERY_NOT_FAILED' });
    await probe.waitFor('message.delivered');
    expect(probe.of(dead!.id).map(({ type, sequence }) => `${sequence} ${type}`)).toEqual([
      '1 message.failed',
      '2 message.delivered',
    ]);
    expect(idsOf(receiver)).toEqual(Array.from({ length: 4 }, () => message.effect_id));
    await probe.close();
  });

  it('with 410 disables the channel until it is set again', async () => {
    await app.addReplica();
    let status = 410;
    const receiver = await receive(() => ({ status }));
    const message = newMessage(app);
    const { tenantId } = message;
    await app.setWebhook(tenantId, receiver.url);
    await app.request(message);
    await app.waitFor(tenantId, FAILED);
    await eventually(async () => {
      expect(await app.channel(tenantId)).toMatchObject({
        status: ChannelStatus.DISABLED,
        error: { code: 'ENDPOINT_GONE' },
      });
    });
    await app.request(newMessage(app, { tenantId }));
    const [first, second] = await app.waitFor(tenantId, FAILED, FAILED);
    expect([first, second].map((one) => one!.failure!.code)).toEqual(['ENDPOINT_GONE', 'CHANNEL_DISABLED']);
    expect(receiver.requests).toHaveLength(1);

    status = 200;
    await app.setWebhook(tenantId, receiver.url);
    expect(await app.channel(tenantId)).toMatchObject({ status: ChannelStatus.ACTIVE, error: undefined });
    await app.request(newMessage(app, { tenantId }));
    await app.waitFor(tenantId, FAILED, FAILED, DELIVERED);
  });

  it('with a 410 that comes after the channel was set again, to the same, leaves it alone', async () => {
    await app.addReplica();
    const open = Promise.withResolvers<void>();
    const receiver = await receive((_request, number) =>
      number === 1 ? { status: 410, when: open.promise } : { status: 200 },
    );
    const message = newMessage(app);
    const { tenantId } = message;
    await app.setWebhook(tenantId, receiver.url);
    await app.request(message);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    await app.setWebhook(tenantId, receiver.url);
    open.resolve();
    await app.waitFor(tenantId, FAILED);
    // A replica that closes has finished all that comes of the answer.
    await app.closeReplicas();
    await app.addReplica();
    expect(await app.channel(tenantId)).toMatchObject({ status: ChannelStatus.ACTIVE, error: undefined });
  });
});

describe('the answer of a webhook', () => {
  it('is read no further than 64 KiB', async () => {
    await app.addReplica();
    const receiver = await receive(() => ({ status: 200, body: 'x'.repeat(8 * 1024 * 1024) }));
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, receiver.url);
    await app.request(message);
    await app.waitFor(message.tenantId, DELIVERED);
  });
});

describe('a tenant whose webhook hangs', () => {
  it('leaves room for the others', async () => {
    await app.addReplica();
    const open = Promise.withResolvers<void>();
    const hanging = await receive(() => ({ status: 200, when: open.promise }));
    const quick = await receive();
    const tenantId = uuidv7();
    await app.setWebhook(tenantId, hanging.url);
    for (let n = 0; n < 15; n++) await app.request(newMessage(app, { tenantId }));
    await eventually(() => expect(hanging.requests).toHaveLength(15));
    // Many more at once, and all of them due before the others' message.
    await app.database.query(
      `INSERT INTO deliveries (tenant_id, id, effect_id, session_id, session_sequence, contact_id, channel, message,
         requested_at, status, due_at, created_at, updated_at)
       SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), session_sequence, contact_id, channel,
              message, requested_at, 'pending', now(), now(), now() FROM deliveries, generate_series(1, 4)`,
    );
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, quick.url);
    await app.request(message);
    await app.waitFor(message.tenantId, DELIVERED);
    expect(hanging.requests).toHaveLength(16);
    open.resolve();
    await eventually(async () => expect(await app.deliveries(tenantId, PENDING)).toEqual([]));
  });

  it('leaves room for the others, and so do many of them', async () => {
    await app.addReplica();
    const open = Promise.withResolvers<void>();
    const hanging = await receive(() => ({ status: 200, when: open.promise }));
    const quick = await receive();
    for (let tenant = 0; tenant < 6; tenant++) {
      const tenantId = uuidv7();
      await app.setWebhook(tenantId, hanging.url);
      for (let n = 0; n < 20; n++) await app.request(newMessage(app, { tenantId }));
    }
    await eventually(() => expect(hanging.requests.length).toBeGreaterThan(40));
    const message = newMessage(app);
    await app.setWebhook(message.tenantId, quick.url);
    await app.request(message);
    // Before the first of the others has come to its time of 10 s.
    await eventually(() => expect(quick.requests).toHaveLength(1), 4_000);
    open.resolve();
  });
});
