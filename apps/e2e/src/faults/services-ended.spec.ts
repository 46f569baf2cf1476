import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { killGateway } from './gateway-killed.ts';
import { startManyReplicas } from './replicas-start.ts';
import { Rig } from './rig.ts';
import { endWithStuckCalls, rollingRestart } from './rolling.ts';
import { killService } from './services-killed.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start({ replicas: { gateway: 2, contact: 2, 'flow-catalog': 2, session: 2 } });
});
afterAll(() => rig.stop());

describe('under load', () => {
  it('a rolling restart of every process fails no call, and each ends with 0 in time (fault 11, P11)', async () => {
    const { violations } = await rollingRestart(rig, 30);
    expect(violations).toEqual([]);
  });

  it('a call that never ends keeps no process from ending in time (fault 11, P11)', async () => {
    expect(await endWithStuckCalls(rig)).toEqual([]);
  });

  it('a gateway killed with 200 starts in flight leaves each with one answer under its key (fault 9, P9)', async () => {
    expect(await killGateway(rig, 200)).toEqual([]);
  });

  it.each(['contact', 'flow-catalog'] as const)(
    'all of %s killed gives 503 in time, and recovers by itself (fault 10, P10)',
    async (app) => {
      expect(await killService(rig, rig.cluster.replicasOf(app), 500, 40)).toEqual([]);
    },
  );

  it('leaves every promise kept (I1 to I9)', async () => {
    // Not P5's two seconds: the processes of other tests are here, too.
    expect(await rig.check({ lateMs: 10_000 })).toEqual([]);
  });
});

describe('replicas', () => {
  it('that start at once on an empty database migrate it once, and all get ready (fault 12)', async () => {
    expect(await startManyReplicas(rig, 4)).toEqual([]);
  });
});
