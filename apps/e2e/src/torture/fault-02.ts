import { loseCommitAnswers } from '../faults/kill-session.ts';
import type { Fault } from './fault.ts';
import { withRig } from './with-rig.ts';

const STARTS = 2_000;

export const fault: Fault = {
  number: 2,
  title: `One commit in ten is made and its answer lost, ${STARTS} starts`,
  run: (context) =>
    withRig(context, { replicas: { session: 1 }, wired: true }, async (rig) => {
      // Few callers: the more, the fewer commits.
      const lost = await loseCommitAnswers(rig, { starts: STARTS, callers: 4, share: 0.1 });
      return { measured: { 'answers lost': lost } };
    }),
};
