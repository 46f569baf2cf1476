import { killNats } from '../faults/servers-away.ts';
import { warmUp } from '../faults/load.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

export const fault: Fault = {
  number: 4,
  title: 'NATS is killed and away for a minute, under load',
  run: (context) =>
    withRig(context, {}, async (rig) => {
      await warmUp(rig, 150, 30_000);
      const { violations, recoveredMs } = await killNats(rig, 60_000, 150);
      return { violations, measured: { 'backlog drained after (ms)': recoveredMs } };
    }),
};
