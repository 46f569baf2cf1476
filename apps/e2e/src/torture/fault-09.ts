import type { Violation } from '../checker.ts';
import { killGateway } from '../faults/gateway-killed.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const ROUNDS = 20;

export const fault: Fault = {
  number: 9,
  title: `The gateway is killed with 200 starts in flight, ${ROUNDS} times`,
  run: (context) =>
    withRig(context, {}, async (rig) => {
      const violations: Violation[] = [];
      for (let round = 1; round <= ROUNDS; round++) violations.push(...(await killGateway(rig, 200)));
      return { violations };
    }),
};
