import { stopNatsDuringPublish } from '../faults/kill-session.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const ROUNDS = 10;

export const fault: Fault = {
  number: 8,
  title: `NATS stands still during a publish, ${ROUNDS} times`,
  run: (context) =>
    withRig(context, { replicas: { session: 1 }, wired: true }, async (rig) => {
      for (let round = 1; round <= ROUNDS; round++) {
        await stopNatsDuringPublish(rig, context.random.pick(['publish', 'ack'] as const));
      }
      return { onceEach: true };
    }),
};
