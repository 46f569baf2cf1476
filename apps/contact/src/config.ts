import {
  consumerName,
  flag,
  logLevel,
  metricsSettings,
  natsUrls,
  grpcPort,
  postgresUrl,
  tlsFiles,
} from '@parley/service';
import { z } from 'zod';

/** Settings of the contact service, from the environment. */
export const contactConfig = z.object({
  DATABASE_URL: postgresUrl,
  /** Connections to the database at most. */
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10),
  GRPC_HOST: z.string().default('127.0.0.1'),
  GRPC_PORT: grpcPort.default(5001),
  /** Whether the server describes itself to tools such as grpcurl. */
  GRPC_REFLECTION: flag.default(false),
  /** nats:// URL, or several with commas. */
  NATS_URL: natsUrls,
  /** The durable consumer of session.tags_requested on PARLEY_SESSION. Replicas share it; another name hears all from the beginning. */
  EVENT_CONSUMER: consumerName.default('contact'),
  ...metricsSettings,
  ...tlsFiles,
  LOG_LEVEL: logLevel,
});

export type ContactConfig = z.output<typeof contactConfig>;
