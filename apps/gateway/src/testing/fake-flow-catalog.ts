import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  FlowCatalogServiceService,
  type BatchGetPublishedFlowsRequest,
  type BatchGetPublishedFlowsResponse,
  type PublishedFlowOutcome,
} from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import { toRpcStatus } from '@parley/grpc';

const NOT_PUBLISHED = toRpcStatus(
  new DomainError('not_found', 'FLOW_NOT_PUBLISHED', 'Flow not found or not published'),
  'parley.flow_catalog.v1',
);

/** Stands in for flow-catalog, which another team owns: every flow there is is published, or none. */
export class FakeFlowCatalog {
  readonly address: string;
  published = true;
  /** Called by each look-up, which is answered when it has ended. */
  beforeAnswer: () => Promise<void> | void = () => undefined;
  private readonly server: Server;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(): Promise<FakeFlowCatalog> {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const fake = new FakeFlowCatalog(server, port);
    const batchGetPublishedFlows = (
      { request }: ServerUnaryCall<BatchGetPublishedFlowsRequest, BatchGetPublishedFlowsResponse>,
      reply: sendUnaryData<BatchGetPublishedFlowsResponse>,
    ): void => {
      const outcomes = request.requests.map(({ tenantId, flowId }): PublishedFlowOutcome => {
        const flow = { tenantId, flowId, version: 1, name: 'Cart', readsContact: false };
        return fake.published
          ? { outcome: { $case: 'flow', value: flow } }
          : { outcome: { $case: 'error', value: NOT_PUBLISHED } };
      });
      void Promise.resolve(fake.beforeAnswer()).then(() => reply(null, { outcomes }));
    };
    server.addService(FlowCatalogServiceService, { batchGetPublishedFlows });
    return fake;
  }

  stop(): void {
    this.server.forceShutdown();
  }
}
