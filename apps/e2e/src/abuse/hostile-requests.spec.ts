import { afterAll, beforeAll, describe } from '@jest/globals';
import { Cluster } from '../cluster.ts';
import { generatedRequests } from './generated-requests.ts';

let cluster: Cluster;
let ids: string[];

beforeAll(async () => {
  cluster = await Cluster.start();
  const flow = await cluster.createFlow();
  const started = await cluster.trigger({ flow_id: flow, phone: '+14155550100' });
  const { id, contact_id } = started.body as { id: string; contact_id: string };
  ids = [flow, contact_id, id];
});
afterAll(() => cluster.stop());

describe('requests', () => {
  generatedRequests(
    () => cluster,
    () => ids,
  );
});
