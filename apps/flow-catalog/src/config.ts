import { flag, logLevel, metricsSettings, grpcPort, natsUrls, postgresUrl, tlsFiles } from '@parley/service';
import { z } from 'zod';

/** Settings of the flow-catalog service, from the environment. */
export const flowCatalogConfig = z.object({
  DATABASE_URL: postgresUrl,
  /** Connections to the database at most. */
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10),
  GRPC_HOST: z.string().default('127.0.0.1'),
  GRPC_PORT: grpcPort.default(5002),
  /** Whether the server describes itself to tools such as grpcurl. */
  GRPC_REFLECTION: flag.default(false),
  ...metricsSettings,
  /** nats:// URL, or several with commas. */
  NATS_URL: natsUrls,
  /** How long published events stay in the outbox, for a replay. */
  OUTBOX_RETENTION_DAYS: z.coerce.number().int().min(1).max(365).default(7),
  /** Older than this in seconds, an event that waits to be sent turns readiness. */
  READY_MAX_EVENT_AGE_SECONDS: z.coerce.number().min(1).max(86_400).default(60),
  ...tlsFiles,
  LOG_LEVEL: logLevel,
});

export type FlowCatalogConfig = z.output<typeof flowCatalogConfig>;
