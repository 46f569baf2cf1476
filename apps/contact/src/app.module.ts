import { Module, type DynamicModule } from '@nestjs/common';
import { ContactServiceService } from '@parley/contracts/contact';
import { Tls } from '@parley/grpc';
import { startGrpcServer } from '@parley/grpc/server';
import { Database } from '@parley/postgres';
import { Metrics, startMetricsServer, type Logger, type RunningService } from '@parley/service';
import type { ContactConfig } from './config.ts';
import { ContactController } from './contact.controller.ts';
import { ContactEntity } from './contact.entity.ts';
import { ContactResolver } from './contact-resolver.ts';
import { ContactService } from './contact.service.ts';

@Module({})
class AppModule {
  static with(database: Database): DynamicModule {
    return {
      module: AppModule,
      controllers: [ContactController],
      providers: [ContactService, ContactResolver, { provide: Database, useValue: database }],
    };
  }
}

/** Starts the contact service. Its database must have been migrated. */
export async function startContactService(config: ContactConfig, logger: Logger): Promise<RunningService> {
  const metrics = new Metrics();
  const tls = Tls.open(config, logger);
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'contact',
    entities: [ContactEntity],
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const server = await startGrpcServer({
    module: AppModule.with(database),
    service: 'parley.contact.v1.ContactService',
    definition: ContactServiceService,
    host: config.GRPC_HOST,
    port: config.GRPC_PORT,
    reflection: config.GRPC_REFLECTION,
    ready: () => database.ping(),
    metrics,
    tls,
    logger,
  });
  const metricsServer = await startMetricsServer(config, metrics);
  return {
    address: server.address,
    close: async () => {
      await server.close();
      await database.close();
      await metricsServer.close();
    },
  };
}
