import { killService } from '../faults/services-killed.ts';
import type { Violation } from '../checker.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const ROUNDS = 12;

export const fault: Fault = {
  number: 10,
  title: `All replicas of contact, flow-catalog or session are killed under load, ${ROUNDS} times`,
  run: (context) =>
    withRig(context, {}, async (rig) => {
      const violations: Violation[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        const app = context.random.pick(['contact', 'flow-catalog', 'session'] as const);
        const names = rig.cluster.replicasOf(app);
        violations.push(...(await killService(rig, names, context.random.between(0, 3_000), 100)));
        context.log(`round ${round} of ${ROUNDS}: ${app}`);
      }
      return { violations, lateMs: Infinity };
    }),
};
