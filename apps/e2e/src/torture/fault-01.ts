import { killSessionAt, POINT_NAMES } from '../faults/kill-session.ts';
import { withRig } from './with-rig.ts';
import type { Fault } from './fault.ts';

const ROUNDS = 10;

export const fault: Fault = {
  number: 1,
  title: `The session service is killed at each of ${POINT_NAMES.length} points of a start or a reply, ${ROUNDS} times`,
  run: (context) =>
    withRig(context, { replicas: { session: 1 }, wired: true }, async (rig) => {
      for (let round = 1; round <= ROUNDS; round++) {
        for (const point of context.random.shuffle(POINT_NAMES)) {
          await killSessionAt(rig, point, context.random.between(1, 20));
        }
        context.log(`round ${round} of ${ROUNDS}`);
      }
      return {};
    }),
};
