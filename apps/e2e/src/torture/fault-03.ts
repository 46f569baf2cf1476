import { killPostgres } from '../faults/servers-away.ts';
import { warmUp } from '../faults/load.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const FOR_MS = 60_000;

export const fault: Fault = {
  number: 3,
  title: 'Postgres is killed every 5 to 10 s for a minute, under load',
  run: (context) =>
    withRig(context, {}, async (rig) => {
      await warmUp(rig, 100, 30_000);
      const pauses: number[] = [];
      let sum = 0;
      while (sum < FOR_MS) {
        const ms = context.random.between(5_000, 10_000);
        pauses.push(ms);
        sum += ms;
      }
      const { violations, recoveredMs } = await killPostgres(rig, pauses, 100);
      return {
        violations,
        lateMs: Infinity,
        measured: { kills: pauses.length, 'recovered after (ms)': recoveredMs },
      };
    }),
};
