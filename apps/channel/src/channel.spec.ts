import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ChannelKind, ChannelStatus, type SetChannelRequest } from '@parley/contracts/channel';
import { call } from '@parley/grpc';
import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { signingSecrets } from './channel.ts';
import { ChannelApp, newMessage, WHATSAPP } from './testing/channel-app.ts';
import { DeliveryStatus } from '@parley/contracts/channel';
import { eventually, HttpRecorder } from '@parley/testing';

const { WEBHOOK, WHATSAPP: WHATSAPP_KIND } = ChannelKind;
const URL_ = 'https://shop.example.com/parley';

let app: ChannelApp;
let strict: ChannelApp;

beforeAll(async () => {
  [app, strict] = await Promise.all([ChannelApp.create(), ChannelApp.create()]);
  await Promise.all([app.addReplica(), strict.addReplica({ ALLOW_PRIVATE_TARGETS: 'false' })]);
});
afterAll(() => Promise.all([app.close(), strict.close()]));

const set = (tenantId: string, settings: SetChannelRequest['settings'], of = app) =>
  call(of.client, of.client.setChannel, { tenantId, settings });

const webhook = (url: string): SetChannelRequest['settings'] => ({
  $case: 'webhook',
  value: { url, rotateSecret: false },
});

describe('a channel', () => {
  it('is set, read, listed and deleted', async () => {
    const tenantId = uuidv7();
    const { channel, signingSecret } = await app.setWebhook(tenantId, URL_);
    expect(channel).toMatchObject({
      tenantId,
      kind: WEBHOOK,
      status: ChannelStatus.ACTIVE,
      url: URL_,
      phoneNumberId: '',
      error: undefined,
    });
    expect(signingSecret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await app.setWhatsApp(tenantId);
    const { channels } = await call(app.client, app.client.listChannels, { tenantId });
    expect(channels.map(({ kind }) => kind)).toEqual([WEBHOOK, WHATSAPP_KIND]);
    expect(await app.channel(tenantId)).toEqual(channel);

    await call(app.client, app.client.deleteChannel, { tenantId, kind: WEBHOOK });
    await expect(app.channel(tenantId)).rejects.toMatchObject({ reason: 'CHANNEL_NOT_FOUND' });
    await expect(
      call(app.client, app.client.deleteChannel, { tenantId, kind: WEBHOOK }),
    ).rejects.toMatchObject({ reason: 'CHANNEL_NOT_FOUND' });
  });

  it('never gives its secrets back, but the signing secret when it is made', async () => {
    const tenantId = uuidv7();
    const { signingSecret } = await app.setWebhook(tenantId, URL_);
    const again = await app.setWebhook(tenantId, `${URL_}/2`);
    expect(again.signingSecret).toBe('');
    const set = await app.setWhatsApp(tenantId);
    const answers = JSON.stringify([
      again,
      set,
      await app.channel(tenantId),
      await app.channel(tenantId, WHATSAPP_KIND),
      await call(app.client, app.client.listChannels, { tenantId }),
    ]);
    const { accessToken, appSecret, verifyToken } = WHATSAPP;
    for (const secret of [signingSecret, accessToken, appSecret, verifyToken]) {
      expect(answers).not.toContain(secret);
    }
  });

  it('is made once by those who set it at the same time', async () => {
    const tenantId = uuidv7();
    const all = await Promise.all(Array.from({ length: 8 }, () => app.setWebhook(tenantId, URL_)));
    expect(all.filter(({ signingSecret }) => signingSecret !== '')).toHaveLength(1);
  });

  it('keeps the secrets of WhatsApp that are left empty, and needs them all the first time', async () => {
    const tenantId = uuidv7();
    await expect(app.setWhatsApp(tenantId, { appSecret: '', verifyToken: '' })).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [{ field: 'whatsapp.app_secret' }, { field: 'whatsapp.verify_token' }],
    });
    await app.setWhatsApp(tenantId);
    const empty = { accessToken: '', appSecret: '', verifyToken: '' };
    const { channel } = await app.setWhatsApp(tenantId, { ...empty, phoneNumberId: '42' });
    expect(channel).toMatchObject({ phoneNumberId: '42' });
    const [row] = await app.database.query<{ settings: object }>(
      `SELECT settings FROM channels WHERE tenant_id = $1`,
      [tenantId],
    );
    expect(row!.settings).toEqual({ ...WHATSAPP, phoneNumberId: '42' });
  });

  it('that is removed while it is set does not come back with the secrets it had', async () => {
    const tenantId = uuidv7();
    await app.setWhatsApp(tenantId);
    await app.database.query(`
      CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$;
      CREATE TRIGGER linger BEFORE INSERT ON channels FOR EACH ROW EXECUTE FUNCTION linger()`);
    const value = { phoneNumberId: '42', accessToken: '', appSecret: '', verifyToken: '' };
    const setting = set(tenantId, { $case: 'whatsapp', value });
    await eventually(async () =>
      expect(
        await app.database.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`),
      ).toHaveLength(1),
    );
    const removing = call(app.client, app.client.deleteChannel, { tenantId, kind: WHATSAPP_KIND });
    await Promise.all([setting, removing]);
    await app.database.query('DROP TRIGGER linger ON channels');
    expect(await app.database.query('SELECT FROM channels WHERE tenant_id = $1', [tenantId])).toEqual([]);
  });

  it("of one tenant is no other's", async () => {
    await app.setWebhook(uuidv7(), URL_);
    const tenantId = uuidv7();
    await expect(app.channel(tenantId)).rejects.toMatchObject({ reason: 'CHANNEL_NOT_FOUND' });
    expect(await app.deliveries(tenantId)).toEqual([]);
  });
});

describe('a new signing secret', () => {
  it('is asked for, and for 24 hours messages are signed with the one before, too', async () => {
    const receiver = await HttpRecorder.start(() => ({ status: 200 }));
    const message = newMessage(app);
    const old = await app.setWebhook(message.tenantId, receiver.url);
    const rotated = await app.setWebhook(message.tenantId, receiver.url, true);
    expect(rotated.signingSecret).not.toBe(old.signingSecret);
    await app.request(message);
    await app.waitFor(message.tenantId, DeliveryStatus.DELIVERED);
    const { headers, body } = receiver.requests[0]!;
    for (const { signingSecret } of [old, rotated]) {
      expect(() => new Webhook(signingSecret).verify(body, headers as Record<string, string>)).not.toThrow();
    }
    const other = (await app.setWebhook(uuidv7(), receiver.url)).signingSecret;
    expect(() => new Webhook(other).verify(body, headers as Record<string, string>)).toThrow();
    await receiver.close();
  });

  it('asked for again within them leaves those before it signing: a receiver may have the first', async () => {
    const receiver = await HttpRecorder.start(() => ({ status: 200 }));
    const message = newMessage(app);
    const made = [await app.setWebhook(message.tenantId, receiver.url)];
    for (let times = 0; times < 7; times++)
      made.push(await app.setWebhook(message.tenantId, receiver.url, true));
    await app.request(message);
    await app.waitFor(message.tenantId, DeliveryStatus.DELIVERED);
    const { headers, body } = receiver.requests[0]!;
    const verifies = ({ signingSecret }: { signingSecret: string }): boolean => {
      try {
        return new Webhook(signingSecret).verify(body, headers as Record<string, string>) !== undefined;
      } catch {
        return false;
      }
    };
    // The newest and the five before it.
    expect(made.map(verifies)).toEqual([false, false, true, true, true, true, true, true]);
    await receiver.close();
  });

  it('is the only one once they are over', () => {
    const until = '2026-05-07T08:14:23.000Z';
    const settings = { url: URL_, secret: 'whsec_new', previous: { secret: 'whsec_old', until } };
    expect(signingSecrets(settings, new Date('2026-05-07T08:14:22Z'))).toEqual(['whsec_new', 'whsec_old']);
    expect(signingSecrets(settings, new Date('2026-05-07T08:14:23Z'))).toEqual(['whsec_new']);
  });
});

describe("a webhook's address", () => {
  it.each([
    ['', 'is required'],
    ['shop', 'must be a URL'],
    ['ftp://shop.example.com/', 'must begin with https://'],
    ['http://shop.example.com/', 'must begin with https://'],
    ['https://user:pass@shop.example.com/', 'must not contain a user or password'],
    ['https://shop.example.com/#top', 'must not contain a fragment'],
    [`https://shop.example.com/${'x'.repeat(2_100)}`, 'must not be longer than 2048 characters'],
    ['https://localhost/', 'must be a host on the internet'],
    ['https://127.1/', 'must be a host on the internet'],
    ['https://10.0.0.8/', 'must be a host on the internet'],
    ['https://[fd00::1]/', 'must be a host on the internet'],
    ['https://169.254.169.254/', 'must be a host on the internet'],
    ['https://redis/', 'must be a host on the internet'],
    ['https://db.internal/', 'must be a host on the internet'],
  ])('%s is refused: %s', async (url, description) => {
    await expect(set(uuidv7(), webhook(url), strict)).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [{ field: 'webhook.url', description }],
    });
  });

  it('on the internet is taken', async () => {
    await expect(set(uuidv7(), webhook(URL_), strict)).resolves.toMatchObject({ channel: { url: URL_ } });
  });

  it('that came to be private fails when it is used', async () => {
    const message = newMessage(strict);
    await strict.setWebhook(message.tenantId, URL_);
    await strict.database.query(
      `UPDATE channels SET settings = jsonb_set(settings::jsonb, '{url}', '"https://127.0.0.1:1/"')::json`,
    );
    await strict.request(message);
    const [delivery] = await strict.waitFor(message.tenantId, DeliveryStatus.FAILED);
    expect(delivery!.failure).toMatchObject({ code: 'ADDRESS_REFUSED' });
  });
});

describe('a request that is not valid', () => {
  it('names the field', async () => {
    const bad = (settings: SetChannelRequest['settings'], tenantId = uuidv7()) => set(tenantId, settings);
    await expect(bad(undefined)).rejects.toMatchObject({ fields: [{ field: 'settings' }] });
    await expect(bad(webhook(URL_), 'x')).rejects.toMatchObject({ fields: [{ field: 'tenant_id' }] });
    const whatsapp = {
      ...WHATSAPP,
      phoneNumberId: '../evil',
      accessToken: 'a\r\nb',
      appSecret: 'x'.repeat(300),
    };
    await expect(bad({ $case: 'whatsapp', value: whatsapp })).rejects.toMatchObject({
      fields: [
        { field: 'whatsapp.phone_number_id' },
        { field: 'whatsapp.access_token' },
        { field: 'whatsapp.app_secret' },
      ],
    });
    const request = { tenantId: uuidv7(), kind: ChannelKind.UNSPECIFIED };
    await expect(call(app.client, app.client.describeChannel, request)).rejects.toMatchObject({
      fields: [{ field: 'kind' }],
    });
  });
});

describe('deliveries', () => {
  it('are listed by channel and status, in pages, the newest first', async () => {
    const receiver = await HttpRecorder.start(() => ({ status: 200 }));
    const tenantId = uuidv7();
    await app.setWebhook(tenantId, receiver.url);
    const messages = Array.from({ length: 5 }, () => newMessage(app, { tenantId }));
    for (const message of messages) {
      await app.request(message);
      await app.waitFor(
        tenantId,
        ...messages.slice(0, messages.indexOf(message) + 1).map(() => DeliveryStatus.DELIVERED),
      );
    }
    const list = (change: object) =>
      call(app.client, app.client.listDeliveries, {
        ...{ tenantId, channel: WEBHOOK, status: DeliveryStatus.DELIVERED, pageSize: 2, pageToken: '' },
        ...change,
      });
    const pages: string[][] = [];
    for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
      const page = await list({ pageToken });
      pages.push(page.deliveries.map(({ effectId }) => effectId));
      pageToken = page.nextPageToken || undefined;
    }
    const newest = messages.map(({ effect_id }) => effect_id).toReversed();
    expect(pages).toEqual([newest.slice(0, 2), newest.slice(2, 4), newest.slice(4)]);
    expect((await list({ channel: WHATSAPP_KIND })).deliveries).toEqual([]);
    expect((await list({ status: DeliveryStatus.FAILED })).deliveries).toEqual([]);
    expect((await list({ tenantId: uuidv7() })).deliveries).toEqual([]);
    await expect(list({ pageToken: 'x' })).rejects.toMatchObject({ fields: [{ field: 'page_token' }] });
    await receiver.close();
  });
});
