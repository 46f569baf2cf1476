import { jetstreamManager } from '@nats-io/jetstream';
import { startNats, startPostgres } from '@parley/local-servers';
import { join } from 'node:path';
import { ensureDatabases } from './databases.ts';
import type { DatabaseUrls } from './databases.ts';
import type { Installation } from './installation.ts';
import { connectNats } from './nats-connection.ts';
import type { StackPorts } from './ports.ts';
import type { StackSettings } from './settings.ts';
import type { Supervisor } from './supervisor.ts';

export interface ServerContext {
  settings: StackSettings;
  ports: StackPorts;
  installation: Installation;
  supervisor: Supervisor;
  log: (line: string) => void;
}

/**
 * Starts Postgres, or uses the server of DATABASE_URL, and makes the services' databases.
 * @returns the databases' URLs
 */
export async function providePostgres(context: ServerContext): Promise<DatabaseUrls> {
  const { settings, installation, supervisor, log } = context;
  const serverUrl = settings.databaseUrl ?? (await startOwnPostgres(context));
  const databases = await ensureDatabases(serverUrl, installation.database_passwords, log);
  supervisor.halted.throwIfAborted();
  log(`Postgres answers at ${new URL(serverUrl).host}`);
  return databases;
}

async function startOwnPostgres({
  settings,
  ports,
  installation,
  supervisor,
}: ServerContext): Promise<string> {
  const dataDir = join(settings.home, 'postgres');
  const server = await startPostgres({
    dataDir,
    port: ports.postgres,
    password: installation.postgres_password,
    logFile: join(settings.home, 'logs', 'postgres.log'),
    signal: supervisor.halted,
  });
  supervisor.add('postgres', server, ['postgres', `-D ${dataDir} `]);
  return server.url;
}

/**
 * Starts NATS, or uses the server of NATS_URL.
 * @returns its URL
 * @throws Error when there is no nats-server, or the existing server does not answer or has no JetStream
 */
export async function provideNats(context: ServerContext): Promise<string> {
  const { settings, log } = context;
  if (settings.natsUrl === undefined) return startOwnNats(context);
  const connection = await connectNats(settings.natsUrl);
  try {
    await jetstreamManager(connection);
  } catch (error) {
    throw new Error(`NATS at ${new URL(settings.natsUrl).host} (NATS_URL) has no JetStream`, {
      cause: error,
    });
  } finally {
    await connection.close();
  }
  log(`NATS answers at ${new URL(settings.natsUrl).host}`);
  return settings.natsUrl;
}

async function startOwnNats({ settings, ports, supervisor, log }: ServerContext): Promise<string> {
  const storeDir = join(settings.home, 'nats');
  const server = await startNats({
    storeDir,
    port: ports.nats,
    binDir: join(settings.home, 'nats-server'),
    logFile: join(settings.home, 'logs', 'nats.log'),
    signal: supervisor.halted,
  });
  supervisor.add('nats', server, ['nats-server', storeDir]);
  log(`NATS answers at 127.0.0.1:${server.port}`);
  return server.url;
}
