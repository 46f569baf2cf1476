import { endWithStuckCalls, rollingRestart } from '../faults/rolling.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const TWO_OF_EACH = { gateway: 2, contact: 2, 'flow-catalog': 2, session: 2 };

export const fault: Fault = {
  number: 11,
  title: 'Every process is ended with SIGTERM and started again in turn, at 100 calls a second',
  run: (context) =>
    withRig(context, { replicas: TWO_OF_EACH }, async (rig) => {
      const { violations, slowestExitMs } = await rollingRestart(rig, 100);
      const stuck = await endWithStuckCalls(rig);
      const measured = { 'slowest exit (ms)': slowestExitMs, 'sent to another replica': rig.moved };
      return { violations: [...violations, ...stuck], measured };
    }),
};
