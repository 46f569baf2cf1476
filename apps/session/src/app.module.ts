import { Module, type DynamicModule } from '@nestjs/common';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { SessionServiceService } from '@parley/contracts/session';
import { eventLag, EventStream, Outbox, OutboxRelay } from '@parley/events';
import { connect, Tls } from '@parley/grpc';
import { startGrpcServer } from '@parley/grpc/server';
import { Database, purgeLoop } from '@parley/postgres';
import { Metrics, startMetricsServer, WorkingTime, type Logger, type RunningService } from '@parley/service';
import type { SessionConfig } from './config.ts';
import { CurrentSession } from './current-session.entity.ts';
import { DatabaseClock } from './database-clock.ts';
import { FlowVersions } from './flow-versions.ts';
import { HttpCaller } from './http-caller.ts';
import { HttpRequests } from './http-requests.ts';
import { SessionController } from './session.controller.ts';
import { SessionExpirer } from './session-expirer.ts';
import { expiryLag, watchRunningSessions } from './session-metrics.ts';
import { OLD_REPLIES } from './session-replies.ts';
import { SessionReplies } from './session-reply.service.ts';
import { SessionRunner } from './session-runner.ts';
import { SessionService } from './session.service.ts';
import { SESSION_STREAM } from './session-stream.ts';
import { SessionStarter } from './session-starter.ts';
import { SessionWatcher } from './session-watcher.ts';
import { WaitSweep } from './wait-sweep.ts';
import { OLD_START_REQUESTS } from './start-requests.ts';
import { StartCounter } from './start-counter.ts';
import { Timeline } from './timeline.ts';
import { migrations } from './migrations/index.ts';

/** What a sprint may take as often as it likes: a hundred times what one does that nobody has built to take long. */
const LIGHT_SPRINT_MS = 5;
/** Of the time a process has to end (P11), after the calls in flight. */
const REQUEST_GRACE_MS = 2_000;

@Module({})
class AppModule {
  /** made: what is made before the module, each to be injected under its class. */
  static with(...made: object[]): DynamicModule {
    return {
      module: AppModule,
      controllers: [SessionController],
      providers: [
        SessionStarter,
        StartCounter,
        SessionReplies,
        ...made.map((part) => ({ provide: part.constructor, useValue: part })),
      ],
    };
  }
}

/** Starts the session service. Its database must have been migrated; NATS and flow-catalog may come later. */
export async function startSessionService(config: SessionConfig, logger: Logger): Promise<RunningService> {
  const metrics = new Metrics();
  const tls = Tls.open(config, logger, metrics);
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'session',
    entities: [CurrentSession],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const stream = new EventStream({
    ...SESSION_STREAM,
    url: config.NATS_URL,
    metrics,
    logger,
  });
  const relay = new OutboxRelay({
    database,
    stream,
    retentionDays: config.OUTBOX_RETENTION_DAYS,
    metrics,
    logger,
  });
  const outbox = new Outbox(database, relay);
  const flowCatalog = connect(
    FlowCatalogServiceClient,
    config.FLOW_CATALOG_ADDRESS,
    tls?.clientOf(config.FLOW_CATALOG_TLS_NAME),
  );
  const time = new WorkingTime({ uncountedMs: LIGHT_SPRINT_MS });
  const flowVersions = new FlowVersions(flowCatalog, time);
  const runner = new SessionRunner(database, outbox, flowVersions, time);
  const clock = new DatabaseClock(database, logger);
  const sessions = new SessionService(database, outbox);
  const timeline = new Timeline(database, sessions);
  const watcher = new SessionWatcher(timeline);
  const waits = new WaitSweep(database, runner, time, logger);
  const requests = new HttpRequests(
    database,
    runner,
    new HttpCaller(config.HTTP_REQUEST_HOSTS ?? new Map()),
    logger,
  );
  const expirer = new SessionExpirer(outbox, metrics, logger);
  const purge = purgeLoop({
    name: 'Request id purge',
    database,
    rows: [OLD_START_REQUESTS, ...OLD_REPLIES],
    logger,
  });
  watchRunningSessions(database, metrics);

  const server = await startGrpcServer({
    module: AppModule.with(
      database,
      outbox,
      sessions,
      timeline,
      watcher,
      flowVersions,
      runner,
      clock,
      time,
      metrics,
    ),
    service: 'parley.session.v1.SessionService',
    definition: SessionServiceService,
    host: config.GRPC_HOST,
    port: config.GRPC_PORT,
    reflection: config.GRPC_REFLECTION,
    // NATS may be away: sessions start all the same.
    ready: () => database.ready(),
    lags: [
      eventLag(database, config.READY_MAX_EVENT_AGE_SECONDS),
      expiryLag(database, config.READY_MAX_EXPIRY_LAG_SECONDS),
    ],
    metrics,
    tls,
    logger,
  });
  const metricsServer = await startMetricsServer(config, metrics);
  relay.start();
  purge.start();
  clock.start();
  if (config.EXPIRER) {
    expirer.start();
    waits.start();
    requests.start();
  }
  return {
    address: server.address,
    close: async () => {
      watcher.close();
      await server.close();
      await Promise.all([
        expirer.stop(),
        waits.stop(),
        requests.stop(REQUEST_GRACE_MS),
        purge.stop(),
        clock.stop(),
      ]);
      await relay.stop();
      stream.close();
      flowCatalog.close();
      await database.close();
      await metricsServer.close();
    },
  };
}
