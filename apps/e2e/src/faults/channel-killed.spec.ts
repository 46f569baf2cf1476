import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { HttpRecorder } from '@parley/testing';
import { failingWebhook, killChannel, WITH_CHANNELS } from './channel-killed.ts';
import { Rig } from './rig.ts';

let rig: Rig;
let shop: HttpRecorder;

beforeAll(async () => {
  [rig, shop] = await Promise.all([Rig.start(WITH_CHANNELS), failingWebhook()]);
});
afterAll(async () => {
  await rig.stop();
  await shop.close();
});

it('messages arrive and are told of once each, though channel is killed under load and the webhook fails (fault 36, P6)', async () => {
  const { violations, messages } = await killChannel(rig, shop, { kills: 2, everyMs: 1_500, perSecond: 40 });
  expect(violations).toEqual([]);
  expect(messages).toBeGreaterThan(20);
  // Not P5's two seconds: the processes of other tests are here, too.
  expect(await rig.check({ lateMs: 10_000 })).toEqual([]);
}, 150_000);
