import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  killSessionAt,
  loseCommitAnswers,
  POINT_NAMES,
  POINTS,
  stopNatsDuringPublish,
} from './kill-session.ts';
import { Rig } from './rig.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start({ replicas: { session: 1 }, wired: true });
});
afterAll(() => rig.stop());

describe('a start, or a reply', () => {
  it('whose commit is made and its answer lost is answered by its retry, and made once (fault 2, I1 to I4)', async () => {
    const lost = await loseCommitAnswers(rig, { starts: 100, callers: 8, share: 0.25 });
    expect(lost).toBeGreaterThan(1);
  });

  it.each(POINT_NAMES)('whose process dies %s is answered by its retry (fault 1)', async (point) => {
    await killSessionAt(rig, point, 3);
  });

  it.each(['publish', 'ack'] as const)(
    'does not wait for a NATS that stands still at its %s (fault 8)',
    async (when) => {
      await stopNatsDuringPublish(rig, when);
    },
  );

  it('leaves one session, one answer and one event of each kind after all this (I1 to I9)', async () => {
    expect(await rig.check({ onceEach: true })).toEqual([]);
    // Every point has three callers; those of a reply start their sessions first.
    const replies = POINT_NAMES.filter((name) => 'by' in POINTS[name]).length * 3;
    expect(rig.history.counts()).toMatchObject({
      'start ok': 100 + POINT_NAMES.length * 3 + 4,
      'reply ok': replies,
    });
  });
});
