import { mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { stopLeftover } from './leftover.ts';
import { lastLines } from './log-tail.ts';
import { findNatsServer } from './nats-binary.ts';
import { pollUntil } from './poll.ts';
import { freePort, requireFreePort } from './port.ts';
import { startProcess } from './process.ts';
import type { StartedProcess } from './process.ts';

export interface NatsOptions {
  /** Of JetStream; made when missing. */
  storeDir: string;
  /** Default: a free one. */
  port?: number;
  /** What the port is called in messages; default NATS_PORT. */
  portSetting?: string;
  /** Where nats-server is put when it has to be downloaded. */
  binDir: string;
  logFile: string;
  signal?: AbortSignal;
}

export interface NatsServer extends StartedProcess {
  readonly url: string;
  readonly port: number;
}

const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 30_000;

/**
 * Starts nats-server with JetStream and waits until it answers. A server that a killed run left on the same store
 * is stopped first.
 * @throws Error when there is no nats-server, the port is busy, or the server ends or does not answer within 30 s
 */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const storeDir = resolve(options.storeDir);
  const binary = await findNatsServer(options.binDir, options.signal);
  mkdirSync(storeDir, { recursive: true, mode: 0o700 });
  const pidFile = join(storeDir, 'nats-server.pid');
  const leftover = readPid(pidFile);
  if (leftover !== undefined) await stopLeftover(leftover, ['nats-server', pidFile]);

  const port = options.port || (await freePort());
  await requireFreePort(port, options.portSetting ?? 'NATS_PORT');
  const server = await startProcess({
    name: 'nats',
    command: binary,
    args: ['-js', '-sd', storeDir, '-a', HOST, '-p', String(port), '--pid', pidFile],
    logFile: options.logFile,
  });
  try {
    await waitUntilReady(server, port, options.signal);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, url: `nats://${HOST}:${port}`, port };
}

async function waitUntilReady(server: StartedProcess, port: number, signal?: AbortSignal): Promise<void> {
  let ended = false;
  void server.exited.then(() => (ended = true));
  const problem = (text: string): Error =>
    new Error(
      [`NATS ${text}. Its log (${server.logFile}) ends:`, ...lastLines(server.logFile, 15)].join('\n'),
    );
  const ready = await pollUntil(
    () => {
      if (ended) throw problem('ended at its start');
      return greetsWithJetStream(port);
    },
    { timeoutMs: READY_TIMEOUT_MS, signal },
  );
  if (ready === undefined) throw problem(`did not answer within ${READY_TIMEOUT_MS / 1_000} s`);
}

/** nats-server greets each connection with a line of JSON that says what it can do. */
function greetsWithJetStream(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const settle = (result: true | undefined): void => {
      socket.destroy();
      resolve(result);
    };
    let greeting = '';
    socket.setTimeout(1_000, () => settle(undefined));
    socket.once('error', () => settle(undefined));
    socket.on('data', (chunk) => {
      greeting += chunk.toString('utf8');
      if (!greeting.includes('\n')) return;
      settle(greeting.startsWith('INFO ') && greeting.includes('"jetstream":true') ? true : undefined);
    });
    socket.once('close', () => settle(undefined));
  });
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
