import { resolve } from 'node:path';
import { REPOSITORY_ROOT } from './repository.ts';

export interface StackSettings {
  /** Where the stack keeps data, logs and secrets. */
  home: string;
  gatewayPort: number;
  contactPort: number;
  flowCatalogPort: number;
  sessionPort: number;
  sessionReplicas: number;
  channelPort: number;
  channelHttpPort: number;
  postgresPort: number;
  natsPort: number;
  /** Undefined: no metrics are served. */
  metricsPort: number | undefined;
  databaseUrl: string | undefined;
  natsUrl: string | undefined;
  /** Whether the services know each other by certificates. */
  tls: boolean;
  logLevel: string;
}

/** A setting that cannot be used; the message names it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const MAX_REPLICAS = 16;

/** Every setting, its default and its meaning: what `npm start -- --help` prints. */
const SETTINGS = {
  PARLEY_HOME: ['.parley', 'folder for data, logs, tokens and passwords; relative to the repository'],
  GATEWAY_PORT: ['3000', 'HTTP port of the gateway; any port may be 0: a free one'],
  CONTACT_PORT: ['5001', 'gRPC port of the contact service'],
  FLOW_CATALOG_PORT: ['5002', 'gRPC port of the flow-catalog service'],
  SESSION_PORT: ['5003', 'gRPC port of the session service; its further replicas take the next free ports'],
  SESSION_REPLICAS: ['1', `processes of the session service, 1 to ${MAX_REPLICAS}`],
  CHANNEL_PORT: ['5004', 'gRPC port of the channel service'],
  CHANNEL_HTTP_PORT: ['3001', 'HTTP port at which it takes what providers such as WhatsApp send'],
  POSTGRES_PORT: ['5433', 'port of the Postgres started here'],
  NATS_PORT: ['4223', 'port of the NATS started here'],
  METRICS_PORT: ['off', 'first port of the metrics: each process takes the next free one'],
  DATABASE_URL: [
    '',
    'postgres:// URL of an existing server to use instead; databases parley_* are made on it',
  ],
  NATS_URL: ['', 'nats:// URL of an existing server with JetStream to use instead'],
  PARLEY_TLS: ['false', 'true: mutual TLS between the services, with certificates made in PARLEY_HOME'],
  LOG_LEVEL: ['info', `how much the services log: ${LOG_LEVELS.join(', ')}`],
} as const satisfies Record<string, readonly [defaultValue: string, meaning: string]>;

type SettingName = keyof typeof SETTINGS;

/**
 * Reads the settings from the environment; empty ones count as not set.
 * @throws SettingsError naming the first bad one
 */
export function readSettings(env: NodeJS.ProcessEnv): StackSettings {
  const value = (name: SettingName): string => env[name] || SETTINGS[name][0];
  const number = (name: SettingName, min: number, max: number): number => {
    const text = value(name);
    if (/^\d{1,5}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
    throw new SettingsError(`${name} must be a whole number from ${min} to ${max}, not "${text}".`);
  };
  const port = (name: SettingName): number => number(name, 0, 65_535);
  const url = (name: SettingName, protocols: string[]): string | undefined => {
    const text = value(name);
    if (text === '') return undefined;
    if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text;
    // Not repeated in the message: it may hold a password.
    throw new SettingsError(`${name} must be a URL that starts with ${protocols[0]}//.`);
  };
  const settings: StackSettings = {
    home: parleyHome(env),
    gatewayPort: port('GATEWAY_PORT'),
    contactPort: port('CONTACT_PORT'),
    flowCatalogPort: port('FLOW_CATALOG_PORT'),
    sessionPort: port('SESSION_PORT'),
    sessionReplicas: number('SESSION_REPLICAS', 1, MAX_REPLICAS),
    channelPort: port('CHANNEL_PORT'),
    channelHttpPort: port('CHANNEL_HTTP_PORT'),
    postgresPort: port('POSTGRES_PORT'),
    natsPort: port('NATS_PORT'),
    metricsPort: value('METRICS_PORT') === 'off' ? undefined : port('METRICS_PORT'),
    databaseUrl: url('DATABASE_URL', ['postgres:', 'postgresql:']),
    natsUrl: url('NATS_URL', ['nats:', 'tls:']),
    tls: value('PARLEY_TLS') === 'true',
    logLevel: value('LOG_LEVEL'),
  };
  if (!['true', 'false'].includes(value('PARLEY_TLS'))) {
    throw new SettingsError(`PARLEY_TLS must be true or false, not "${value('PARLEY_TLS')}".`);
  }
  if (!LOG_LEVELS.includes(settings.logLevel)) {
    throw new SettingsError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, not "${settings.logLevel}".`);
  }
  return settings;
}

/** PARLEY_HOME as an absolute path; default: .parley in the repository. */
export function parleyHome(env: NodeJS.ProcessEnv): string {
  return resolve(REPOSITORY_ROOT, env['PARLEY_HOME'] || SETTINGS.PARLEY_HOME[0]);
}

/** What `npm start -- --help` prints. */
export function settingsHelp(): string {
  const lines = Object.entries(SETTINGS).map(
    ([name, [defaultValue, meaning]]) => `  ${name.padEnd(18)}${defaultValue.padEnd(9)}${meaning}`,
  );
  return [
    'npm start: starts Parley on this machine, with its own Postgres and NATS; Ctrl-C stops everything.',
    '',
    'Settings, from the environment, with their defaults:',
    ...lines,
    '',
    'Example: GATEWAY_PORT=8080 SESSION_REPLICAS=2 npm start',
  ].join('\n');
}
