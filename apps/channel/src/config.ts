import {
  consumerName,
  flag,
  grpcTarget,
  logLevel,
  metricsSettings,
  natsUrls,
  grpcPort,
  port,
  postgresUrl,
  tlsFiles,
} from '@parley/service';
import { z } from 'zod';

/** Pauses in seconds, with commas between. */
const RETRY_PAUSES = 'must be 1 to 20 numbers of seconds, at most 86400 each, with commas between';

/** Settings of the channel service, from the environment. */
export const channelConfig = z.object({
  DATABASE_URL: postgresUrl,
  /** Connections to the database at most. */
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10),
  GRPC_HOST: z.string().default('127.0.0.1'),
  GRPC_PORT: grpcPort.default(5004),
  /** Whether the server describes itself to tools such as grpcurl. */
  GRPC_REFLECTION: flag.default(false),
  /** Where providers' webhooks come in (docs/channels.md): to be reached from the internet, by a proxy with TLS. */
  HTTP_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: port.default(3001),
  /** gRPC targets of contact and session. */
  CONTACT_ADDRESS: grpcTarget,
  SESSION_ADDRESS: grpcTarget,
  /** With TLS: what their certificates have to name. */
  CONTACT_TLS_NAME: z.string().default('contact'),
  SESSION_TLS_NAME: z.string().default('session'),
  /** nats:// URL, or several with commas. */
  NATS_URL: natsUrls,
  /** The durable consumer of message.requested on PARLEY_SESSION. Replicas share it; another name hears all from the beginning. */
  EVENT_CONSUMER: consumerName.default('channel'),
  /** Meta's Graph API with its version, or what stands in for it. */
  WHATSAPP_BASE_URL: z.url({ protocol: /^https?$/ }).default('https://graph.facebook.com/v23.0'),
  /** Whether webhooks may be http and lie in private networks or on this machine. For local stacks and tests only. */
  ALLOW_PRIVATE_TARGETS: flag.default(false),
  /**
   * How long after each failed attempt the next one comes, in seconds, give or take a tenth. After the last the message
   * is given up. By default that is after nine attempts within 23 hours.
   */
  RETRY_SECONDS: z
    .string()
    .regex(/^\d+(\.\d+)?(,\d+(\.\d+)?){0,19}$/, RETRY_PAUSES)
    .refine((text) => text.split(',').every((seconds) => Number(seconds) <= 86_400), RETRY_PAUSES)
    .default('5,30,120,600,3600,10800,21600,43200'),
  /** How long deliveries that are done are kept, with their texts. Longer than streams keep events: 7 days. */
  DELIVERY_RETENTION_DAYS: z.coerce.number().int().min(8).max(365).default(30),
  /** How long published events stay in the outbox, for a replay. */
  OUTBOX_RETENTION_DAYS: z.coerce.number().int().min(1).max(365).default(7),
  /** Older than this in seconds, an event that waits to be sent turns readiness. */
  READY_MAX_EVENT_AGE_SECONDS: z.coerce.number().min(1).max(86_400).default(60),
  /** Further past its time than this in seconds, a message that waits to be sent turns readiness. */
  READY_MAX_DELIVERY_LAG_SECONDS: z.coerce.number().min(1).max(86_400).default(60),
  ...metricsSettings,
  ...tlsFiles,
  LOG_LEVEL: logLevel,
});

export type ChannelConfig = z.output<typeof channelConfig>;
