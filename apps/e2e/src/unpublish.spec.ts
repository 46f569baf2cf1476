import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { call, connect } from '@parley/grpc';
import { eventually, EventProbe } from '@parley/testing';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
let catalog: FlowCatalogServiceClient;

beforeAll(async () => {
  cluster = await Cluster.start({ replicas: { gateway: 2 } });
  catalog = connect(FlowCatalogServiceClient, cluster.addressOf('flow-catalog'));
});
afterAll(async () => {
  catalog.close();
  await cluster.stop();
});

/** The statuses of a trigger through each gateway. */
const triggerBoth = (flowId: string): Promise<number[]> =>
  Promise.all(
    (['gateway', 'gateway-2'] as const).map(async (name) => {
      const response = await fetch(`http://${cluster.addressOf(name)}/api/v1/actions/trigger-flow`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${cluster.tokenOf()}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ flow_id: flowId, phone: '+14155550123' }),
      });
      await response.arrayBuffer();
      return response.status;
    }),
  );

it.each(['unpublishFlow', 'archiveFlow'] as const)(
  '%s over gRPC stops starts on every gateway as soon as its event is out',
  async (verb) => {
    const tenantId = cluster.tenantIdOf();
    const probe = await EventProbe.open('PARLEY_FLOW', tenantId);
    // How old the answers were that were dropped. A slow machine may spoil some rounds, which then show nothing.
    const ages: number[] = [];
    for (let round = 0; round < 5; round++) {
      const flowId = await cluster.createFlow();
      const asked = performance.now();
      expect((await triggerBoth(flowId)).every((status) => status < 300)).toBe(true);
      await call(catalog, catalog[verb], { tenantId, id: flowId });
      await eventually(() => expect(probe.of(flowId).map(({ type }) => type)).toContain('flow.unpublished'));
      // The gateways were told when the probe was, but may read it a moment later.
      await eventually(async () => expect(await triggerBoth(flowId)).toEqual([404, 404]));
      ages.push(performance.now() - asked);
    }
    expect(Math.min(...ages)).toBeLessThan(900);
    await probe.close();
  },
);
