import { stopPostgres } from '../faults/servers-away.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

export const fault: Fault = {
  number: 7,
  title: 'Postgres stands still for 20 s, under load',
  run: (context) =>
    withRig(context, {}, async (rig) => {
      const { violations, recoveredMs } = await stopPostgres(rig, 20_000, 100);
      return { violations, lateMs: Infinity, measured: { 'recovered after (ms)': recoveredMs } };
    }),
};
