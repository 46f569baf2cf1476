import { Module, type DynamicModule } from '@nestjs/common';
import { FlowCatalogServiceService } from '@parley/contracts/flow-catalog';
import { eventLag, EventStream, Outbox, OutboxRelay } from '@parley/events';
import { Tls } from '@parley/grpc';
import { startGrpcServer } from '@parley/grpc/server';
import { Database } from '@parley/postgres';
import { Metrics, startMetricsServer, WorkingTime, type Logger, type RunningService } from '@parley/service';
import type { FlowCatalogConfig } from './config.ts';
import { FlowController } from './flow.controller.ts';
import { FlowEntity } from './flow.entity.ts';
import { FlowSimulator } from './flow-simulator.ts';
import { FlowService } from './flow.service.ts';
import { FLOW_STREAM } from './flow-stream.ts';
import { FlowVersionEntity } from './flow-version.entity.ts';
import { PublishedFlows } from './published-flows.ts';
import { SimulationController } from './simulation.controller.ts';
import { migrations } from './migrations/index.ts';

@Module({})
class AppModule {
  static with(database: Database, outbox: Outbox): DynamicModule {
    return {
      module: AppModule,
      controllers: [FlowController, SimulationController],
      providers: [
        FlowService,
        FlowSimulator,
        PublishedFlows,
        { provide: WorkingTime, useValue: new WorkingTime() },
        { provide: Database, useValue: database },
        { provide: Outbox, useValue: outbox },
      ],
    };
  }
}

/** Starts the flow-catalog service. Its database must have been migrated; NATS may come later. */
export async function startFlowCatalogService(
  config: FlowCatalogConfig,
  logger: Logger,
): Promise<RunningService> {
  const metrics = new Metrics();
  const tls = Tls.open(config, logger, metrics);
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'flow-catalog',
    entities: [FlowEntity, FlowVersionEntity],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const stream = new EventStream({ ...FLOW_STREAM, url: config.NATS_URL, metrics, logger });
  const relay = new OutboxRelay({
    database,
    stream,
    retentionDays: config.OUTBOX_RETENTION_DAYS,
    metrics,
    logger,
  });
  const server = await startGrpcServer({
    module: AppModule.with(database, new Outbox(database, relay)),
    service: 'parley.flow_catalog.v1.FlowCatalogService',
    definition: FlowCatalogServiceService,
    host: config.GRPC_HOST,
    port: config.GRPC_PORT,
    reflection: config.GRPC_REFLECTION,
    // NATS may be away: flows are published all the same.
    ready: () => database.ready(),
    lags: [eventLag(database, config.READY_MAX_EVENT_AGE_SECONDS)],
    metrics,
    tls,
    logger,
  });
  const metricsServer = await startMetricsServer(config, metrics);
  relay.start();
  return {
    address: server.address,
    close: async () => {
      await server.close();
      await relay.stop();
      stream.close();
      await database.close();
      await metricsServer.close();
    },
  };
}
