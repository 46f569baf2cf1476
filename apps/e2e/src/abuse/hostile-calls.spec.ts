import type { Client } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, type Name } from '../cluster.ts';
import { runs, SEED } from './effort.ts';
import { floodService } from './flood-service.ts';
import { FLOODS } from './floods.ts';
import type { Target } from './foreign-ids.rpcs.ts';
import { sendGenerated } from './generated-calls.ts';
import { rawClients, RPCS } from './rpcs.ts';
import { targetsIn } from './targets.ts';
import { thingsOf } from './things.ts';

/** MiB, of which the most is what V8 has not collected yet. */
const MEMORY_LIMIT = 500;
/** Between the first and the second time. */
const MEMORY_GROWTH = 100;

let cluster: Cluster;
let clients: Map<Name, Client>;
let things: Target;

beforeAll(async () => {
  cluster = await Cluster.start();
  clients = rawClients(cluster);
  things = await thingsOf(cluster, 'acme', '+14155550100');
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await cluster.stop();
});

describe('bytes', () => {
  it.each(RPCS)('sent to $name are served or refused, and never with a fault of ours (35)', async (rpc) => {
    const caller = { client: clients.get(rpc.app)!, tenantId: cluster.tenantIdOf(), things };
    const codes = await sendGenerated(rpc, caller, { numRuns: runs(25, 2_000), seed: SEED });
    // They are neither all nonsense nor all sound.
    expect(Object.keys(codes)).toContain('INVALID_ARGUMENT');
    expect(Object.keys(codes).length).toBeGreaterThan(1);
  });

  it('leave every process running', async () => {
    await cluster.ready();
    for (const name of cluster.names)
      expect(cluster.logOf(name)).not.toContain('Ended by an error nobody caught');
  });
});

describe('a flood', () => {
  it.each(['contact', 'flow-catalog', 'session', 'channel'] as const)(
    'at %s is served or refused, takes no memory for good, and leaves others served (31)',
    async (app) => {
      const target = targetsIn(cluster, runs(1_000, 10_000)).get(app)!;
      const pid = cluster.pidOf(app);
      const first = await floodService(target, pid);
      const second = await floodService(target, pid);
      for (const { floods, bystander } of [first, second]) {
        expect(floods.map(({ name, wrong }) => ({ name, wrong }))).toEqual(
          FLOODS.map(({ name }) => ({ name, wrong: [] })),
        );
        expect(bystander.failures).toEqual([]);
        expect(bystander.served).toBeGreaterThan(10);
      }
      expect(second.memory.after).toBeLessThan(MEMORY_LIMIT);
      expect(second.memory.after - first.memory.after).toBeLessThan(MEMORY_GROWTH);
    },
  );
});
