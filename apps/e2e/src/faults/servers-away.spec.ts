import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Rig } from './rig.ts';
import { deleteStream, killNats, killPostgres, stopPostgres, stopRelay } from './servers-away.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig.stop());

describe('under load', () => {
  it('a Postgres killed with SIGKILL costs no answer that was given, and no help (fault 3, I2, I9, I10)', async () => {
    const { violations } = await killPostgres(rig, [1_000, 3_000], 40);
    expect(violations).toEqual([]);
  });

  it('a Postgres that stands still leaves nobody without an answer, and readiness turns (fault 7, P10, I10)', async () => {
    const { violations } = await stopPostgres(rig, 3_000, 40);
    expect(violations).toEqual([]);
  });

  it('a NATS killed with SIGKILL keeps no start from succeeding, nor fills memory (fault 4, P6, I10)', async () => {
    const { violations } = await killNats(rig, 3_000, 40);
    expect(violations).toEqual([]);
  });

  it('a relay stopped as it stands is stepped in for, and repeats and reorders nothing when it goes on (fault 6)', async () => {
    await stopRelay(rig, 6, 12_000);
  });

  it('leaves every promise kept (I1 to I9)', async () => {
    expect(await rig.check({ lateMs: Infinity, onceEach: true })).toEqual([]);
    expect(rig.history.counts()['start ok']).toBeGreaterThan(200);
  });
});

describe('a NATS store that is deleted', () => {
  it('is made again by itself, and the replay command brings back what was in it (fault 5)', async () => {
    await rig.renew();
    expect(await deleteStream(rig, 5)).toEqual([]);
  });
});
