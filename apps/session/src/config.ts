import { isIP } from 'node:net';
import { isPublicHost } from '@parley/flow-engine';
import {
  flag,
  grpcTarget,
  logLevel,
  metricsSettings,
  natsUrls,
  grpcPort,
  postgresUrl,
  tlsFiles,
} from '@parley/service';
import { z } from 'zod';

const hostAddresses = z
  .string()
  .transform((text) => text.split(',').map((pair) => pair.split('=').map((part) => part.trim())))
  .refine(
    (pairs) =>
      pairs.every(([name, address = '', ...more]) => name !== '' && isIP(address) !== 0 && more.length === 0),
    {
      abort: true,
      error: 'must be names and IP addresses, such as crm.example=10.0.0.7, with commas between them',
    },
  )
  // No flow that names another can be published, nor its request be made.
  .refine(
    (pairs) =>
      pairs.every(([name]) => URL.canParse(`http://${name}`) && isPublicHost(new URL(`http://${name}`))),
    {
      error:
        'must be names with a dot and without an ending kept for local networks, such as .internal, .local, .lan and .test: flows cannot call others',
    },
  )
  .transform((pairs) => new Map(pairs.map(([name, address]) => [name!.toLowerCase(), address!])))
  .optional();

/** Settings of the session service, from the environment. */
export const sessionConfig = z.object({
  DATABASE_URL: postgresUrl,
  /** Connections to the database at most. */
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10),
  GRPC_HOST: z.string().default('127.0.0.1'),
  GRPC_PORT: grpcPort.default(5003),
  /** Whether the server describes itself to tools such as grpcurl. */
  GRPC_REFLECTION: flag.default(false),
  /** gRPC target of flow-catalog. */
  FLOW_CATALOG_ADDRESS: grpcTarget,
  /** With TLS: what flow-catalog's certificate has to name. */
  FLOW_CATALOG_TLS_NAME: z.string().default('flow-catalog'),
  /** nats:// URL, or several with commas. */
  NATS_URL: natsUrls,
  /** How long published events stay in the outbox, for a replay. */
  OUTBOX_RETENTION_DAYS: z.coerce.number().int().min(1).max(365).default(7),
  /**
   * Addresses of names that flows may call although they lead into a private network, e.g. crm.example=10.0.0.7, with commas
   * between several. Everything else has to resolve to an address on the internet. Default none.
   */
  HTTP_REQUEST_HOSTS: hostAddresses,
  /** Whether this replica sweeps sessions that are due, and makes the requests of flows. At least one has to. */
  EXPIRER: flag.default(true),
  /** Older than this in seconds, an event that waits to be sent turns readiness. */
  READY_MAX_EVENT_AGE_SECONDS: z.coerce.number().min(1).max(86_400).default(60),
  /** Further past its end, or the end of its wait, than this in seconds, a session turns readiness. */
  READY_MAX_EXPIRY_LAG_SECONDS: z.coerce.number().min(1).max(86_400).default(30),
  ...metricsSettings,
  ...tlsFiles,
  LOG_LEVEL: logLevel,
});

export type SessionConfig = z.output<typeof sessionConfig>;
