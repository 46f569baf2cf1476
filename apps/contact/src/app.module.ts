import { Module, type DynamicModule } from '@nestjs/common';
import { ContactServiceService } from '@parley/contracts/contact';
import { EventConsumer, hearingLag } from '@parley/events';
import { Tls } from '@parley/grpc';
import { startGrpcServer } from '@parley/grpc/server';
import { Database, purgeLoop } from '@parley/postgres';
import { Metrics, startMetricsServer, type Logger, type RunningService } from '@parley/service';
import type { ContactConfig } from './config.ts';
import { ContactController } from './contact.controller.ts';
import { ContactEntity } from './contact.entity.ts';
import { ContactResolver } from './contact-resolver.ts';
import { ContactService } from './contact.service.ts';
import { OLD_TAG_CHANGES, TagChanges } from './tag-changes.ts';
import { migrations } from './migrations/index.ts';

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
  const tls = Tls.open(config, logger, metrics);
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'contact',
    entities: [ContactEntity],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const tagChanges = new TagChanges(database, logger);
  const purge = purgeLoop({ name: 'Tag change purge', database, rows: [OLD_TAG_CHANGES], logger });
  const consumer = new EventConsumer({
    url: config.NATS_URL,
    stream: 'PARLEY_SESSION',
    durable: config.EVENT_CONSUMER,
    subject: 'session.tags_requested',
    handle: (event) => tagChanges.apply(event),
    metrics,
    logger,
  });
  const server = await startGrpcServer({
    module: AppModule.with(database),
    service: 'parley.contact.v1.ContactService',
    definition: ContactServiceService,
    host: config.GRPC_HOST,
    port: config.GRPC_PORT,
    reflection: config.GRPC_REFLECTION,
    // NATS may be away: contacts are served all the same, and tags that flows ask for are changed later.
    ready: () => database.ready(),
    lags: [hearingLag(consumer)],
    metrics,
    tls,
    logger,
  });
  const metricsServer = await startMetricsServer(config, metrics);
  purge.start();
  return {
    address: server.address,
    close: async () => {
      await Promise.all([server.close(), consumer.close(), purge.stop()]);
      await database.close();
      await metricsServer.close();
    },
  };
}
