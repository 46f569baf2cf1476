// A Restate service: one workflow per flow and contact, started through Restate's own HTTP entry, which waits.
import * as restate from '@restatedev/restate-sdk';

const SESSION_MS = 30 * 60_000;

const session = restate.workflow({
  name: 'session',
  handlers: {
    run: async (context) => {
      await context.sleep(SESSION_MS);
      return 'expired';
    },
  },
});
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit());
await restate.serve({ services: [session], port: Number(process.env.HTTP_PORT) });
