import { setTimeout as sleep } from 'node:timers/promises';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SchemaPipe, Tls } from '@parley/grpc';
import { Database } from '@parley/postgres';
import { closeIdleLast, Logger, Metrics, startMetricsServer, type RunningService } from '@parley/service';
import { Authenticator } from './auth/authenticator.ts';
import { MeController } from './auth/me.controller.ts';
import { PermitStore } from './auth/permit-store.ts';
import { RateLimiter } from './auth/rate-limiter.ts';
import { TOKEN_ENTITIES, TokenStore } from './auth/token-store.ts';
import { ChannelsController } from './channels/channels.controller.ts';
import { clientProviders, closeClients, connectClients, type Clients } from './clients.ts';
import type { GatewayConfig } from './config.ts';
import { ContactActionsController } from './contacts/contact-actions.controller.ts';
import { ContactsController } from './contacts/contacts.controller.ts';
import { answerClientError, answerExpectation } from './client-error.ts';
import { ErrorFilter } from './error.filter.ts';
import { FlowVersionsController } from './flows/flow-versions.controller.ts';
import { FlowsController } from './flows/flows.controller.ts';
import { GetFlowController } from './flows/get-flow.controller.ts';
import { SimulateFlowController } from './flows/simulate-flow.controller.ts';
import { HealthController } from './health/health.controller.ts';
import { Readiness } from './health/readiness.ts';
import { readJsonBodies } from './json-body.ts';
import { OpenApiController } from './openapi.controller.ts';
import { addRequestHooks, refuseUrls } from './request-hooks.ts';
import { RouteTable } from './route-table.ts';
import { NewFlowTriggeredController } from './sessions/new-flow-triggered.controller.ts';
import { RepliesController } from './sessions/replies.controller.ts';
import { RunningSessions } from './sessions/running-sessions.ts';
import { SessionsController } from './sessions/sessions.controller.ts';
import { BATCH_SIZE, BatchedCalls } from './trigger-flow/batched-calls.ts';
import { BulkTriggerController } from './trigger-flow/bulk-trigger.controller.ts';
import { BulkTriggerService } from './trigger-flow/bulk-trigger.service.ts';
import { followFlowEvents } from './trigger-flow/flow-events.ts';
import { TriggerFlowController } from './trigger-flow/trigger-flow.controller.ts';
import { TriggerFlowService } from './trigger-flow/trigger-flow.service.ts';
import { migrations } from './auth/migrations/index.ts';

/** Of a request's body. A flow's definition may be 1 MiB, and there is something around it. */
const BODY_LIMIT = 2 * 1024 * 1024;
/** Of a bulk request's, where it is not JSON lines. */
const BULK_BODY_LIMIT = 8 * 1024 * 1024;
/** Of a request's head. request-hooks.ts limits its body. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How long connections are still taken once it is to end: who chose this gateway a moment before is served. */
const LAST_CONNECTIONS_MS = 100;
/** What draining waits for requests that do not end. */
const DRAIN_LIMIT_MS = 5_000;
/** As long as Node lets a request's head be: what is too long for an id is answered by the route, as an id unknown. */
const MAX_PARAMETER_LENGTH = 16 * 1024;

/** What the module's providers are made of. */
interface Parts {
  config: GatewayConfig;
  clients: Clients;
  authenticator: Authenticator;
  readiness: Readiness;
  metrics: Metrics;
  logger: Logger;
}

@Module({})
class AppModule {
  static with({ config, clients, authenticator, readiness, metrics, logger }: Parts): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        TriggerFlowController,
        BulkTriggerController,
        GetFlowController,
        ContactActionsController,
        NewFlowTriggeredController,
        MeController,
        FlowsController,
        FlowVersionsController,
        SimulateFlowController,
        SessionsController,
        RepliesController,
        ContactsController,
        ChannelsController,
        OpenApiController,
        HealthController,
      ],
      providers: [
        TriggerFlowService,
        BulkTriggerService,
        BatchedCalls,
        RunningSessions,
        { provide: BATCH_SIZE, useValue: config.TRIGGER_BATCH_SIZE },
        { provide: Authenticator, useValue: authenticator },
        { provide: Readiness, useValue: readiness },
        { provide: Logger, useValue: logger },
        { provide: Metrics, useValue: metrics },
        ...clientProviders(clients),
      ],
    };
  }
}

export interface Gateway extends RunningService {
  /** Every route there is and who may call it. */
  readonly routes: RouteTable;
}

/** Starts the gateway. Its database must have been migrated; the services may come later. */
export async function startGateway(config: GatewayConfig, logger: Logger): Promise<Gateway> {
  const metrics = new Metrics();
  const tls = Tls.open(config, logger, metrics);
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'gateway',
    entities: TOKEN_ENTITIES,
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const clients = connectClients(config, tls);
  const routes = new RouteTable();
  const limits = new RateLimiter(new PermitStore(database));
  const app = await createApp({ config, clients, database, limits, routes, metrics, logger });
  const flowEvents = followFlowEvents(config.NATS_URL, app.get(BatchedCalls), logger);
  closeIdleLast(app.getHttpServer());
  await app.listen(config.HTTP_PORT, config.HTTP_HOST);
  const metricsServer = await startMetricsServer(config, metrics);
  return {
    address: new URL(await app.getUrl()).host,
    routes,
    close: async () => {
      // What the kernel has connected is not ours before the loop's next turn, and would be reset.
      await sleep(LAST_CONNECTIONS_MS);
      const server = app.getHttpServer();
      const limit = setTimeout(() => server.closeAllConnections(), DRAIN_LIMIT_MS);
      await app.close();
      clearTimeout(limit);
      flowEvents?.close();
      closeClients(clients);
      await limits.close();
      await database.close();
      await metricsServer.close();
    },
  };
}

async function createApp(
  parts: Omit<Parts, 'authenticator' | 'readiness'> & {
    database: Database;
    limits: RateLimiter;
    routes: RouteTable;
  },
): Promise<NestFastifyApplication> {
  const { clients, database, limits, routes, metrics, logger } = parts;
  const authenticator = new Authenticator(new TokenStore(database), limits);
  // While draining, what comes on open connections is still served.
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    // One without a Host is refused by our hooks, with an answer like all others.
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      // Node looks every 30 s for those that have passed it.
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false,
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: refuseUrls(authenticator, logger),
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    return503OnClosing: false,
  });
  const server = adapter.getInstance();
  server.server.on('checkExpectation', answerExpectation);
  server.addHook('onRoute', (route) => {
    routes.add(route);
    if (route.config?.bulk === true) route.bodyLimit = BULK_BODY_LIMIT;
  });
  addRequestHooks(server, authenticator, logger, metrics);

  const readiness = new Readiness(clients, () => database.ready(), logger);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with({ ...parts, authenticator, readiness }),
    adapter,
    {
      logger,
      bodyParser: false,
    },
  );
  readJsonBodies(server);
  app.setGlobalPrefix('api/v1', { exclude: ['healthz', 'readyz', 'readyz/traffic'] });
  app.useGlobalFilters(new ErrorFilter(routes, logger, metrics));
  app.useGlobalPipes(new SchemaPipe());
  return app;
}
