import { failingWebhook, killChannel, WITH_CHANNELS } from '../faults/channel-killed.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const KILLS = 20;

export const fault: Fault = {
  number: 36,
  title: `The replicas of channel are killed in turn under load, ${KILLS} times, while the webhook fails now and then`,
  run: (context) =>
    withRig(context, WITH_CHANNELS, async (rig) => {
      const shop = await failingWebhook();
      try {
        const everyMs = context.random.between(500, 4_000);
        const { violations, messages, again } = await killChannel(rig, shop, {
          kills: KILLS,
          everyMs,
          perSecond: 60,
        });
        return { violations, measured: { messages, 'sent again': again } };
      } finally {
        await shop.close();
      }
    }),
};
