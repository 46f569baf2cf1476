import {
  grpcTarget,
  logLevel,
  metricsSettings,
  natsUrls,
  port,
  postgresUrl,
  tlsFiles,
} from '@parley/service';
import { z } from 'zod';

/** Settings of the gateway, from the environment. */
export const gatewayConfig = z.object({
  /** The gateway's own database: API tokens and tenants. */
  DATABASE_URL: postgresUrl,
  /** Connections to the database at most. */
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(5),
  HTTP_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: port.default(3000),
  /** gRPC targets: host:port, dns:///name:port, or ipv4:a:port,b:port for several replicas. */
  CONTACT_ADDRESS: grpcTarget,
  FLOW_CATALOG_ADDRESS: grpcTarget,
  SESSION_ADDRESS: grpcTarget,
  CHANNEL_ADDRESS: grpcTarget,
  /** Triggers whose calls to a service leave together, at most. 1: each its own call, as the benchmark compares. */
  TRIGGER_BATCH_SIZE: z.coerce.number().int().min(1).max(256).default(256),
  ...metricsSettings,
  /**
   * nats:// URL, or several with commas. With it a flow that was published or unpublished is known at once; without it,
   * or while NATS is away, within a second.
   */
  NATS_URL: natsUrls.optional(),
  /** With TLS: what their certificates have to name, whatever the address. */
  CONTACT_TLS_NAME: z.string().default('contact'),
  FLOW_CATALOG_TLS_NAME: z.string().default('flow-catalog'),
  SESSION_TLS_NAME: z.string().default('session'),
  CHANNEL_TLS_NAME: z.string().default('channel'),
  ...tlsFiles,
  LOG_LEVEL: logLevel,
});

export type GatewayConfig = z.output<typeof gatewayConfig>;
