import { startManyReplicas } from '../faults/replicas-start.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const REPLICAS = 20;

export const fault: Fault = {
  number: 12,
  title: `${REPLICAS} replicas of the session service start at once on an empty database`,
  run: (context) =>
    withRig(context, {}, async (rig) => ({
      violations: await startManyReplicas(rig, REPLICAS),
      unchecked: true,
    })),
};
