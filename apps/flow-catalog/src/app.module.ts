import { Module, type DynamicModule } from '@nestjs/common';
import { FlowCatalogServiceService } from '@parley/contracts/flow-catalog';
import { startGrpcServer, Tls } from '@parley/grpc';
import { Database } from '@parley/postgres';
import type { Logger, RunningService } from '@parley/service';
import type { FlowCatalogConfig } from './config.ts';
import { FlowController } from './flow.controller.ts';
import { FlowEntity } from './flow.entity.ts';
import { FlowService } from './flow.service.ts';
import { FlowVersionEntity } from './flow-version.entity.ts';
import { PublishedFlows } from './published-flows.ts';

@Module({})
class AppModule {
  static with(database: Database): DynamicModule {
    return {
      module: AppModule,
      controllers: [FlowController],
      providers: [FlowService, PublishedFlows, { provide: Database, useValue: database }],
    };
  }
}

/** Starts the flow-catalog service. Its database must have been migrated. */
export async function startFlowCatalogService(
  config: FlowCatalogConfig,
  logger: Logger,
): Promise<RunningService> {
  const tls = Tls.open(config, logger);
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'flow-catalog',
    entities: [FlowEntity, FlowVersionEntity],
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const server = await startGrpcServer({
    module: AppModule.with(database),
    service: 'parley.flow_catalog.v1.FlowCatalogService',
    definition: FlowCatalogServiceService,
    host: config.GRPC_HOST,
    port: config.GRPC_PORT,
    reflection: config.GRPC_REFLECTION,
    ready: () => database.ping(),
    tls,
    logger,
  });
  return {
    address: server.address,
    close: async () => {
      await server.close();
      await database.close();
    },
  };
}
