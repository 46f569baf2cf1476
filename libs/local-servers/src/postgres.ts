import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { commandLineOf, stopLeftover } from './leftover.ts';
import { lastLines } from './log-tail.ts';
import { pollUntil } from './poll.ts';
import { freePort, requireFreePort } from './port.ts';
import { postgresAccount } from './postgres-account.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { SUPERUSER, ensureCluster } from './postgres-cluster.ts';
import { startProcess } from './process.ts';
import type { StartedProcess } from './process.ts';

export interface PostgresOptions {
  /** Made when missing. */
  dataDir: string;
  /** Default: a free one. */
  port?: number;
  /** What the port is called in messages; default POSTGRES_PORT. */
  portSetting?: string;
  /** Of the superuser `parley`. Takes effect when the data directory is made. */
  password: string;
  logFile: string;
  /** Server settings on top of ours, such as { fsync: 'off' }. */
  settings?: Record<string, string>;
  signal?: AbortSignal;
}

export interface PostgresServer extends StartedProcess {
  /** Of the superuser, on database `postgres`. */
  readonly url: string;
  readonly port: number;
}

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 60_000;
/** The children of a server that was killed see that it has gone, and let go of its memory, within this. */
const LAST_CHILDREN_MS = 10_000;

/**
 * Starts Postgres on a data directory and waits until it answers. A server that a killed run left on the same
 * directory is stopped first.
 * @throws Error when the port is busy, when the server ends or does not answer within 60 s, or refuses the password
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  const { initdb, postgres } = await findPostgresBinaries();
  const account = postgresAccount(dataDir);
  await ensureCluster({ dataDir, password: options.password, initdb, account, signal: options.signal });
  await stopLeftoverPostgres(dataDir);

  const port = options.port || (await freePort());
  await requireFreePort(port, options.portSetting ?? 'POSTGRES_PORT');
  const settings = {
    listen_addresses: HOST,
    // TCP only: the path of a socket may be at most 107 bytes long, and the clone may lie deep.
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A detail line quotes rows, and rows hold phones.
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = `postgres://${SUPERUSER}:${encodeURIComponent(options.password)}@${HOST}:${port}/postgres`;
  const begun = performance.now();
  for (;;) {
    const server = await startProcess({
      name: 'postgres',
      ...account.wrap(postgres, ['-D', dataDir, '-p', String(port), ...flags]),
      cwd: '/',
      logFile: options.logFile,
      // Fast shutdown: ends connections and writes a checkpoint. SIGQUIT makes it end its children at once.
      stopSignal: 'SIGINT',
      stopGraceMs: 20_000,
      killSignal: 'SIGQUIT',
    });
    try {
      await waitUntilReady(server, url, options.signal);
      return { ...server, url, port };
    } catch (error) {
      await server.stop();
      const waits = lastLines(server.logFile, 3).some((line) => line.includes('is still in use'));
      if (!waits || performance.now() - begun > LAST_CHILDREN_MS) throw error;
    }
    await sleep(100, undefined, { signal: options.signal });
  }
}

async function waitUntilReady(server: StartedProcess, url: string, signal?: AbortSignal): Promise<void> {
  let ended = false;
  void server.exited.then(() => (ended = true));
  const problem = (text: string): Error =>
    new Error(
      [`Postgres ${text}. Its log (${server.logFile}) ends:`, ...lastLines(server.logFile, 15)].join('\n'),
    );
  const ready = await pollUntil(
    () => {
      if (ended) throw problem('ended at its start');
      return tryConnect(url);
    },
    { timeoutMs: READY_TIMEOUT_MS, signal },
  );
  if (ready === undefined) throw problem(`did not answer within ${READY_TIMEOUT_MS / 1_000} s`);
}

async function tryConnect(url: string): Promise<true | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch (error) {
    // 28P01, invalid password: waiting does not help.
    if (error instanceof pg.DatabaseError && error.code === '28P01') {
      throw new Error('Postgres refuses the password kept for it: it belongs to another data directory.', {
        cause: error,
      });
    }
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function stopLeftoverPostgres(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  } catch {
    return;
  }
  if (!(pid > 0)) return;
  if (await stopLeftover(pid, ['postgres', `-D ${dataDir} `], { signal: 'SIGINT', graceMs: 20_000 })) return;
  // Postgres will not start while the process in its pid file runs, even if that is by now some other program.
  if (!commandLineOf(pid)?.includes('postgres')) rmSync(pidFile, { force: true });
}
