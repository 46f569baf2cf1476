import 'reflect-metadata';
import { Metadata, status as GrpcCode, type ChannelCredentials } from '@grpc/grpc-js';
import { Module, Controller, type DynamicModule } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import {
  FlowCatalogServiceClient,
  FlowCatalogServiceService,
  type GetFlowRequest,
  type GetFlowResponse,
} from '@parley/contracts/flow-catalog';
import { currentRequest, Logger, type RequestContext, type RunningService } from '@parley/service';
import { freePort } from '@parley/testing';
import { z } from 'zod';
import { call, connect } from '../client.ts';
import { fromServiceError } from '../rpc-status.ts';
import { startGrpcServer, type GrpcServerOptions } from '../server.ts';
import { uuid } from '../validation.ts';

type Handler = (request: GetFlowRequest) => void | Promise<void>;

/** A server with one RPC, getFlow, that does what the test says and remembers what it knew of each request. */
export class EchoService {
  readonly seen: RequestContext[] = [];
  readonly clients: FlowCatalogServiceClient[] = [];
  running!: RunningService;
  /** Runs in the RPC. */
  handler: Handler = () => undefined;

  static async start(options: Partial<GrpcServerOptions> = {}): Promise<EchoService> {
    const echo = new EchoService();
    echo.running = await startGrpcServer({
      module: moduleOf(echo),
      service: 'parley.flow_catalog.v1.FlowCatalogService',
      definition: FlowCatalogServiceService,
      host: '127.0.0.1',
      port: await freePort(),
      reflection: false,
      ready: () => Promise.resolve(),
      logger: new Logger('echo', 'silent'),
      ...options,
    });
    return echo;
  }

  /** Calls the RPC, over a client of ours. */
  get(id = '0190b0a0-0000-7000-8000-000000000000', tenantId = id): Promise<GetFlowResponse> {
    const client = this.clients[0] ?? this.addClient();
    return call(client, client.getFlow, { tenantId, id });
  }

  addClient(address = this.running.address, security?: ChannelCredentials): FlowCatalogServiceClient {
    const client = connect(FlowCatalogServiceClient, address, security);
    this.clients.push(client);
    return client;
  }

  /**
   * Calls the RPC with these credentials, over a connection of its own. Gives ok, or the kind of error it failed with;
   * or late, when it was neither answered nor refused in 10 s.
   */
  outcome(security: ChannelCredentials | undefined, address = this.running.address): Promise<string> {
    const client = this.addClient(address, security);
    const id = '0190b0a0-0000-7000-8000-000000000000';
    return new Promise((resolve) => {
      const options = { deadline: Date.now() + 10_000 };
      client.getFlow({ tenantId: id, id }, new Metadata(), options, (error) => {
        if (error?.code === GrpcCode.DEADLINE_EXCEEDED) resolve('late');
        else resolve(error ? fromServiceError(error).kind : 'ok');
      });
    });
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.running.close();
  }
}

function moduleOf(echo: EchoService): DynamicModule {
  @Controller()
  class EchoController {
    @GrpcMethod('FlowCatalogService', 'getFlow')
    async getFlow(
      @Payload({ schema: z.object({ tenantId: uuid, id: z.string() }) }) request: GetFlowRequest,
    ): Promise<GetFlowResponse> {
      echo.seen.push({ ...currentRequest()! });
      await echo.handler(request);
      return { flow: undefined };
    }
  }

  @Module({})
  class EchoModule {}

  return { module: EchoModule, controllers: [EchoController] };
}
