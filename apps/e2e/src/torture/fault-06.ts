import { pass, startLoad } from '../faults/load.ts';
import { stopRelay } from '../faults/servers-away.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const ROUNDS = 3;

export const fault: Fault = {
  number: 6,
  title: `The replica that relays is stopped for 30 s and goes on, ${ROUNDS} times`,
  run: (context) =>
    withRig(context, {}, async (rig) => {
      for (let round = 1; round <= ROUNDS; round++) {
        await stopRelay(rig, context.random.between(10, 60), 30_000);
        // It publishes what it held while others publish what is new.
        const load = startLoad(rig, { perSecond: 50 });
        await pass(3_000);
        await load.stop();
        context.log(`round ${round} of ${ROUNDS}`);
      }
      return { lateMs: Infinity };
    }),
};
