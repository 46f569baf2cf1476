import { z } from 'zod';

/**
 * Reads settings from the environment. Empty variables count as absent. A missing or bad one ends the process with
 * a line that names each.
 */
export function readSettings<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.output<T> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => {
    const name = path.join('.');
    return `${name}: ${Object.hasOwn(given, name) ? message : 'is required'}`;
  });
  throw new SettingsError(`Bad settings. ${[...new Set(problems)].join('; ')}`);
}

/** Settings that cannot be used; its message is for the operator. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** LOG_LEVEL: default info. */
export const logLevel = z.enum(LOG_LEVELS).default('info');

/** A TCP port; 0 takes a free one, which the log tells. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** The port of a service that others call: a free one would be known to nobody. */
export const grpcPort = port.min(1);

/** true or false. */
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** The name of a durable consumer at NATS. */
export const consumerName = z.string().regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _');

/** A postgres:// URL. */
export const postgresUrl = z
  .url({ protocol: /^postgres(ql)?$/ })
  .refine(hasReadableLogin, { error: 'has a % in its user or password that must be written %25' });

/** One or several, with commas between. */
export const natsUrls = z.string().refine((text) => text.split(',').every(isNatsUrl), {
  error:
    'must be nats:// or tls:// URLs, such as nats://nats:4222, with commas between several (a % in a password is written %25)',
});

function isNatsUrl(text: string): boolean {
  const url = URL.parse(text);
  return (url?.protocol === 'nats:' || url?.protocol === 'tls:') && hasReadableLogin(text);
}

/** Whether user and password decode: a % that is meant is written %25. */
function hasReadableLogin(text: string): boolean {
  try {
    const { username = '', password = '' } = URL.parse(text) ?? {};
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** Where a service is: host:port, dns:///name:port for all addresses of a name, ipv4:a:port,b:port for several replicas. */
export const grpcTarget = z
  .string()
  .regex(
    /^(?:(?:dns:(?:\/\/[^/]*\/)?)?(?:[\w.-]+|\[[\da-f:]+\]):\d+|ipv4:[\d.]+:\d+(?:,[\d.]+:\d+)*|ipv6:\[[\da-f:]+\]:\d+(?:,\[[\da-f:]+\]:\d+)*)$/i,
    'must be host:port, dns:///name:port, or ipv4:address:port,address:port',
  );

/**
 * Files (PEM) with which services know each other: all three, or none for plaintext. To be spread into a service's
 * schema; `Tls.open` of @parley/grpc says what is wrong with them.
 */
export const tlsFiles = {
  /** This service's certificate, with those between it and the authority, for serving and for calling others. */
  TLS_CERT_FILE: z.string().optional(),
  /** Its private key, without a password. */
  TLS_KEY_FILE: z.string().optional(),
  /** The authorities that may have signed the certificates of others. */
  TLS_CA_FILE: z.string().optional(),
};
