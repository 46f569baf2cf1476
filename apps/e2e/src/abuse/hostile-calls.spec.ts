import type { Client } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { Cluster, type Name } from '../cluster.ts';
import { generatedCalls } from './generated-calls.ts';
import { rawClients } from './rpcs.ts';

let cluster: Cluster;
let clients: Map<Name, Client>;
let ids: string[];

beforeAll(async () => {
  cluster = await Cluster.start();
  clients = rawClients(cluster);
  const flow = await cluster.createFlow();
  const started = await cluster.trigger({ flow_id: flow, phone: '+14155550100' });
  const { id, contact_id } = started.body as { id: string; contact_id: string };
  ids = [flow, contact_id, id];
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await cluster.stop();
});

describe('calls', () => {
  generatedCalls(
    () => cluster,
    () => clients,
    () => ids,
  );
});
