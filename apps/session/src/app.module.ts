import { Module, type DynamicModule } from '@nestjs/common';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { SessionServiceService } from '@parley/contracts/session';
import { EventStream, Outbox, OutboxRelay } from '@parley/events';
import { connect, startGrpcServer } from '@parley/grpc';
import { Database } from '@parley/postgres';
import type { Logger, RunningService } from '@parley/service';
import type { SessionConfig } from './config.ts';
import { CurrentSession } from './current-session.entity.ts';
import { FlowVersions } from './flow-versions.ts';
import { SessionController } from './session.controller.ts';
import { SessionExpirer } from './session-expirer.ts';
import { SessionService } from './session.service.ts';
import { SessionStarter } from './session-starter.ts';
import { startRequestPurge } from './start-request-purge.ts';

@Module({})
class AppModule {
  static with(database: Database, outbox: Outbox, flowCatalog: FlowCatalogServiceClient): DynamicModule {
    return {
      module: AppModule,
      controllers: [SessionController],
      providers: [
        SessionService,
        SessionStarter,
        { provide: Database, useValue: database },
        { provide: Outbox, useValue: outbox },
        { provide: FlowVersions, useValue: new FlowVersions(flowCatalog) },
      ],
    };
  }
}

/** Starts the session service. Its database must have been migrated; NATS and flow-catalog may come later. */
export async function startSessionService(config: SessionConfig, logger: Logger): Promise<RunningService> {
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'session',
    entities: [CurrentSession],
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const stream = new EventStream({
    url: config.NATS_URL,
    name: 'PARLEY_SESSION',
    subjects: 'session.>',
    source: '/parley/session',
    logger,
  });
  const relay = new OutboxRelay({ database, stream, retentionDays: config.OUTBOX_RETENTION_DAYS, logger });
  const outbox = new Outbox(database, relay);
  const flowCatalog = connect(FlowCatalogServiceClient, config.FLOW_CATALOG_ADDRESS);
  const expirer = new SessionExpirer(outbox, logger);
  const purge = startRequestPurge(database, logger);

  const server = await startGrpcServer({
    module: AppModule.with(database, outbox, flowCatalog),
    service: 'parley.session.v1.SessionService',
    definition: SessionServiceService,
    host: config.GRPC_HOST,
    port: config.GRPC_PORT,
    reflection: config.GRPC_REFLECTION,
    // NATS may be away: sessions start all the same.
    ready: () => database.ping(),
    logger,
  });
  relay.start();
  purge.start();
  if (config.EXPIRER) expirer.start();
  return {
    address: server.address,
    close: async () => {
      await server.close();
      await Promise.all([expirer.stop(), purge.stop()]);
      await relay.stop();
      stream.close();
      flowCatalog.close();
      await database.close();
    },
  };
}
