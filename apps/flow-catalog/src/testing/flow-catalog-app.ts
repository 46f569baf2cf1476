import {
  FlowCatalogServiceClient,
  FlowStatus,
  type CreateFlowRequest,
  type Flow,
  type FlowDifference,
  type FlowVersion,
  type GetPublishedFlowRequest,
  type ListFlowsRequest,
  type ListFlowsResponse,
  type ListFlowVersionsResponse,
  type PublishedFlow,
  type PublishedFlowOutcome,
  type PublishFlowResponse,
  type UpdateFlowRequest,
  type ValidateFlowResponse,
} from '@parley/contracts/flow-catalog';
import { call, connect } from '@parley/grpc';
import { migrate } from '@parley/postgres';
import { Logger, readSettings, type RunningService } from '@parley/service';
import { createTestDatabase, freePort, NATS_URL, type TestDatabase } from '@parley/testing';
import { startFlowCatalogService } from '../app.module.ts';
import { flowCatalogConfig } from '../config.ts';
import { migrations } from '../migrations/index.ts';

/** A graph that can be published without a warning. */
export const GRAPH = JSON.stringify({
  nodes: [
    { id: 'start', type: 'entry', data: {} },
    { id: 'hello', type: 'send_message', data: { text: 'Hello {{contact.name}}' } },
    { id: 'bye', type: 'end', data: { outcome: 'done' } },
  ],
  edges: [
    { source: 'start', target: 'hello' },
    { source: 'hello', target: 'bye' },
  ],
});

/** A graph that can be published but not started. */
export const GRAPH_WITHOUT_ENTRY = '{"nodes":[],"edges":[]}';

/** A graph that is good JSON and cannot be published. */
export const BROKEN_GRAPH = JSON.stringify({
  nodes: [
    { id: 'start', type: 'entry', data: {} },
    { id: 'hello', type: 'send_message', data: { text: 'Hello {{' } },
    { id: 'odd', type: 'teleport', data: {} },
  ],
  edges: [{ source: 'start', target: 'nowhere' }],
});

/** A flow-catalog service on a database of its own, with as many replicas as the test wants. */
export class FlowCatalogApp {
  readonly database: TestDatabase;
  readonly clients: FlowCatalogServiceClient[] = [];
  private readonly replicas: RunningService[] = [];

  private constructor(database: TestDatabase) {
    this.database = database;
  }

  static async create(): Promise<FlowCatalogApp> {
    const app = new FlowCatalogApp(await createTestDatabase(migrations, migrate));
    await app.addReplica();
    return app;
  }

  async addReplica(): Promise<void> {
    const env = {
      DATABASE_URL: this.database.url,
      NATS_URL: process.env[NATS_URL],
      GRPC_PORT: String(await freePort()),
    };
    const settings = readSettings(flowCatalogConfig, env);
    const service = await startFlowCatalogService(settings, new Logger('flow-catalog', 'fatal'));
    this.replicas.push(service);
    this.clients.push(connect(FlowCatalogServiceClient, service.address));
  }

  get client(): FlowCatalogServiceClient {
    return this.clients[0]!;
  }

  async create(tenantId: string, given: Partial<CreateFlowRequest> = {}): Promise<Flow> {
    const request = { tenantId, name: 'Abandoned cart', definition: GRAPH, settings: undefined, ...given };
    return (await call(this.client, this.client.createFlow, request)).flow!;
  }

  async update(tenantId: string, id: string, given: Partial<UpdateFlowRequest>): Promise<Flow> {
    const request = { tenantId, id, settings: undefined, settingsChange: undefined, ...given };
    return (await call(this.client, this.client.updateFlow, request)).flow!;
  }

  async get(tenantId: string, id: string): Promise<Flow> {
    return (await call(this.client, this.client.getFlow, { tenantId, id })).flow!;
  }

  list(tenantId: string, given: Partial<ListFlowsRequest> = {}): Promise<ListFlowsResponse> {
    const request = { tenantId, status: FlowStatus.UNSPECIFIED, pageSize: 0, pageToken: '', ...given };
    return call(this.client, this.client.listFlows, request);
  }

  validate(tenantId: string, definition: string, ttl?: number): Promise<ValidateFlowResponse> {
    const settings = ttl === undefined ? undefined : { sessionTtlMinutes: ttl, channel: '' };
    return call(this.client, this.client.validateFlow, { tenantId, definition, settings });
  }

  publish(tenantId: string, id: string, client = this.client): Promise<PublishFlowResponse> {
    return call(client, client.publishFlow, { tenantId, id });
  }

  async republish(tenantId: string, flowId: string, version: number, client = this.client): Promise<Flow> {
    return (await call(client, client.republishFlowVersion, { tenantId, flowId, version })).flow!;
  }

  /** 0 is the draft. */
  async compare(tenantId: string, flowId: string, from: number, to = 0): Promise<FlowDifference[]> {
    const request = { tenantId, flowId, fromVersion: from, toVersion: to };
    return (await call(this.client, this.client.compareFlowVersions, request)).differences;
  }

  async unpublish(tenantId: string, id: string): Promise<Flow> {
    return (await call(this.client, this.client.unpublishFlow, { tenantId, id })).flow!;
  }

  async archive(tenantId: string, id: string): Promise<Flow> {
    return (await call(this.client, this.client.archiveFlow, { tenantId, id })).flow!;
  }

  async published(tenantId: string, flowId: string): Promise<PublishedFlow> {
    return (await call(this.client, this.client.getPublishedFlow, { tenantId, flowId })).flow!;
  }

  async publishedAll(requests: GetPublishedFlowRequest[]): Promise<PublishedFlowOutcome[]> {
    return (await call(this.client, this.client.batchGetPublishedFlows, { requests })).outcomes;
  }

  async version(tenantId: string, flowId: string, version: number): Promise<FlowVersion> {
    return (await call(this.client, this.client.getFlowVersion, { tenantId, flowId, version })).version!;
  }

  versions(
    tenantId: string,
    flowId: string,
    page: { pageSize?: number; pageToken?: string } = {},
  ): Promise<ListFlowVersionsResponse> {
    const request = { tenantId, flowId, pageSize: 0, pageToken: '', ...page };
    return call(this.client, this.client.listFlowVersions, request);
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.close();
    await Promise.all(this.replicas.map((replica) => replica.close()));
    await this.database.drop();
  }
}
