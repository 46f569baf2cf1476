import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { errorCode } from './error-code.ts';

const LOOPBACK = '127.0.0.1';

/**
 * Below those that the system gives to outgoing connections (from 32768 on Linux, from 49152 on macOS): one of them could take
 * the port of a server while that is restarted.
 */
const PORTS = { first: 16_384, last: 32_767 };
const MAX_ATTEMPTS = 1_000;
const givenOut = new Set<number>();

/** A TCP port nobody listens on at 127.0.0.1, never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const port = randomInt(PORTS.first, PORTS.last + 1);
    if (givenOut.has(port)) continue;
    givenOut.add(port);
    if (await canListen(port)) return port;
  }
  throw new Error(`No port from ${PORTS.first} to ${PORTS.last} is free`);
}

/**
 * Makes sure that `port` can be listened on at 127.0.0.1.
 * @param setting the name of the setting the port came from, for the message
 * @throws Error naming port and setting
 */
export async function requireFreePort(port: number, setting: string): Promise<void> {
  const advice = `Stop what uses it, or set ${setting} to another port (0: any free one).`;
  // On macOS one may listen on a port of 127.0.0.1 that is taken on 0.0.0.0; only a connection tells.
  if (await answers(port)) throw new Error(`Port ${port} is busy (${setting}). ${advice}`);
  try {
    await listenOnce(port);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EADDRINUSE')
      throw new Error(`Port ${port} is busy (${setting}). ${advice}`, { cause: error });
    throw new Error(`Port ${port} (${setting}) cannot be used: ${String(code)}. ${advice}`, { cause: error });
  }
}

async function canListen(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') return false;
    throw error;
  }
}

function listenOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => server.close(() => resolve()));
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    const settle = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1_000, settle(false));
    socket.once('connect', settle(true));
    socket.once('error', settle(false));
  });
}
