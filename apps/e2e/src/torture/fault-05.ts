import { deleteStream } from '../faults/servers-away.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

export const fault: Fault = {
  number: 5,
  title: 'The NATS store is deleted, and the outbox replayed',
  run: (context) =>
    withRig(context, {}, async (rig) => {
      return { violations: await deleteStream(rig, 200), unchecked: true };
    }),
};
