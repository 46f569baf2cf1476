import { Module, type DynamicModule } from '@nestjs/common';
import { ChannelServiceService } from '@parley/contracts/channel';
import { ContactServiceClient } from '@parley/contracts/contact';
import { SessionServiceClient } from '@parley/contracts/session';
import { EventConsumer, eventLag, EventStream, hearingLag, Outbox, OutboxRelay } from '@parley/events';
import { connect, Tls } from '@parley/grpc';
import { startGrpcServer } from '@parley/grpc/server';
import { Database, purgeLoop } from '@parley/postgres';
import { Metrics, startMetricsServer, type Logger, type RunningService } from '@parley/service';
import { ChannelController } from './channel.controller.ts';
import { ChannelService } from './channel.service.ts';
import { CHANNEL_STREAM } from './channel-stream.ts';
import type { ChannelConfig } from './config.ts';
import { deliveryLag, deliveryMetrics } from './delivery-metrics.ts';
import { oldDeliveries } from './delivery-rows.ts';
import { DeliveryService } from './delivery.service.ts';
import { DeliveryWorker } from './delivery-worker.ts';
import { startInboundServer } from './inbound-server.ts';
import { MessageIntake } from './message-intake.ts';
import { MessageSender } from './message-sender.ts';
import { ALLOW_PRIVATE_TARGETS } from './set-channel.pipe.ts';
import { WhatsAppInbound } from './whatsapp/whatsapp-inbound.ts';
import { migrations } from './migrations/index.ts';

/** They are written together: the more there are, the less each costs. */
const EVENTS_IN_HAND = 256;

@Module({})
class AppModule {
  static with(database: Database, allowPrivate: boolean): DynamicModule {
    return {
      module: AppModule,
      controllers: [ChannelController],
      providers: [
        ChannelService,
        DeliveryService,
        { provide: Database, useValue: database },
        { provide: ALLOW_PRIVATE_TARGETS, useValue: allowPrivate },
      ],
    };
  }
}

export interface RunningChannelService extends RunningService {
  /** Where providers' webhooks come in, host:port. */
  readonly inboundAddress: string;
  /** Where metrics are served; undefined when they are not. */
  readonly metricsAddress: string | undefined;
}

/** Starts the channel service. Its database must have been migrated; NATS, contact and session may come later. */
export async function startChannelService(
  config: ChannelConfig,
  logger: Logger,
): Promise<RunningChannelService> {
  const metrics = new Metrics();
  const tls = Tls.open(config, logger, metrics);
  const database = await Database.connect({
    url: config.DATABASE_URL,
    name: 'channel',
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
  });
  const stream = new EventStream({ ...CHANNEL_STREAM, url: config.NATS_URL, metrics, logger });
  const retentionDays = config.OUTBOX_RETENTION_DAYS;
  const relay = new OutboxRelay({ database, stream, retentionDays, metrics, logger });
  const outbox = new Outbox(database, relay);
  const contacts = connect(
    ContactServiceClient,
    config.CONTACT_ADDRESS,
    tls?.clientOf(config.CONTACT_TLS_NAME),
  );
  const sessions = connect(
    SessionServiceClient,
    config.SESSION_ADDRESS,
    tls?.clientOf(config.SESSION_TLS_NAME),
  );
  const allowPrivate = config.ALLOW_PRIVATE_TARGETS;
  const worker = new DeliveryWorker({
    database,
    outbox,
    sender: new MessageSender({ contacts, allowPrivate, whatsAppBaseUrl: config.WHATSAPP_BASE_URL }),
    retrySeconds: config.RETRY_SECONDS.split(',').map(Number),
    metrics: deliveryMetrics(database, metrics),
    logger,
  });
  const purge = purgeLoop({
    name: 'Delivery purge',
    database,
    rows: [oldDeliveries(config.DELIVERY_RETENTION_DAYS)],
    logger,
  });

  const intake = new MessageIntake(database, config.DELIVERY_RETENTION_DAYS, logger);
  const consumer = new EventConsumer({
    url: config.NATS_URL,
    stream: 'PARLEY_SESSION',
    durable: config.EVENT_CONSUMER,
    subject: 'message.requested',
    handle: async (event) => {
      if (await intake.take(event)) worker.wake();
    },
    concurrency: EVENTS_IN_HAND,
    metrics,
    logger,
  });
  const server = await startGrpcServer({
    module: AppModule.with(database, allowPrivate),
    service: 'parley.channel.v1.ChannelService',
    definition: ChannelServiceService,
    host: config.GRPC_HOST,
    port: config.GRPC_PORT,
    reflection: config.GRPC_REFLECTION,
    // NATS may be away: messages are sent all the same, and asked for later.
    ready: () => database.ready(),
    lags: [
      eventLag(database, config.READY_MAX_EVENT_AGE_SECONDS),
      deliveryLag(database, config.READY_MAX_DELIVERY_LAG_SECONDS),
      hearingLag(consumer),
    ],
    metrics,
    tls,
    logger,
  });
  const inbound = await startInboundServer(
    { host: config.HTTP_HOST, port: config.HTTP_PORT },
    new WhatsAppInbound({ database, outbox, contacts, sessions, metrics }),
    logger,
  );
  const metricsServer = await startMetricsServer(config, metrics);
  relay.start();
  worker.start();
  purge.start();
  return {
    address: server.address,
    inboundAddress: inbound.address,
    metricsAddress: metricsServer.address,
    close: async () => {
      await Promise.all([server.close(), inbound.close(), consumer.close(), worker.stop(), purge.stop()]);
      await relay.stop();
      stream.close();
      contacts.close();
      sessions.close();
      await database.close();
      await metricsServer.close();
    },
  };
}
