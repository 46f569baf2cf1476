import { afterEach, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import {
  commandLineOf,
  freePort,
  pollUntil,
  requireFreePort,
  startNats,
  startPostgres,
  startProcess,
  stopLeftover,
} from './index.ts';
import type { StartedProcess } from './index.ts';

// A path with a blank, as a clone may have one.
const folder = mkdtempSync(join(tmpdir(), 'parley local servers '));
const running: StartedProcess[] = [];

/** Servers of a spec are stopped after it, whatever happens in it. */
function stoppedAfterwards<T extends StartedProcess>(server: T): T {
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const postgres = async () =>
  stoppedAfterwards(
    await startPostgres({
      dataDir: join(folder, 'postgres'),
      password: 's3cret/@',
      logFile: join(folder, 'postgres.log'),
      settings: { fsync: 'off' },
    }),
  );

const nats = async () =>
  stoppedAfterwards(
    await startNats({
      storeDir: join(folder, 'nats'),
      // Kept between runs: it may have to be downloaded.
      binDir: resolve('../../.parley/nats-server'),
      logFile: join(folder, 'nats.log'),
    }),
  );

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString('utf8'));
    });
  });
}

describe('startPostgres', () => {
  it('answers, and finds its data again after a stop', async () => {
    const first = await postgres();
    await query(first.url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)');
    expect(await query(first.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }]);
    await first.stop();
    await first.stop();
    expect(await first.exited).toEqual({ code: 0, signal: null, expected: true });
    expect(commandLineOf(first.pid)).toBeUndefined();

    const second = await postgres();
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  it('stops the server that a killed run left on its data', async () => {
    const left = await postgres();
    const next = await postgres();
    expect(await left.exited).toMatchObject({ code: 0, expected: false });
    expect(await query(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('starts after its predecessor was killed', async () => {
    const killed = await postgres();
    process.kill(killed.pid, 'SIGKILL');
    expect(await killed.exited).toEqual({ code: null, signal: 'SIGKILL', expected: false });
    expect(await query((await postgres()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('starts once the last child of its predecessor that was killed has gone', async () => {
    const killed = await postgres();
    const find = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    const [child] = (await query(killed.url, find)) as { pid: number }[];
    process.kill(child!.pid, 'SIGSTOP');
    process.kill(killed.pid, 'SIGKILL');
    await killed.exited;
    const next = postgres();
    const refused = () => readFileSync(killed.logFile, 'utf8').includes('is still in use') || undefined;
    expect(await pollUntil(refused, { timeoutMs: 20_000 })).toBe(true);
    process.kill(child!.pid, 'SIGCONT');
    expect(await query((await next).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('says that the password is not the one of the data', async () => {
    await (await postgres()).stop();
    await expect(
      startPostgres({ dataDir: join(folder, 'postgres'), password: 'other', logFile: join(folder, 'log') }),
    ).rejects.toThrow('refuses the password');
  });
});

describe('startNats', () => {
  it('answers with JetStream, and stops a server that a killed run left on its store', async () => {
    const left = await nats();
    expect(await greeting(left.port)).toContain('"jetstream":true');
    const next = await nats();
    expect(await left.exited).toMatchObject({ expected: false });
    expect(await greeting(next.port)).toMatch(/^INFO /);
  });
});

describe('freePort', () => {
  it('gives no port twice, and none that an outgoing connection may get', async () => {
    const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()));
    expect(new Set(ports).size).toBe(200);
    expect(ports.filter((port) => port < 1_024 || port >= 32_768)).toEqual([]);
  });
});

describe('requireFreePort', () => {
  it('names the busy port and its setting', async () => {
    const { port } = await nats();
    await expect(requireFreePort(port, 'GATEWAY_PORT')).rejects.toThrow(
      `Port ${port} is busy (GATEWAY_PORT). Stop what uses it, or set GATEWAY_PORT to another port`,
    );
    await requireFreePort(await freePort(), 'GATEWAY_PORT');
  });
});

describe('startProcess', () => {
  it('goes with a program that ends without stopping it', async () => {
    const source = JSON.stringify(resolve('src/index.ts'));
    const program = `
      const { startProcess } = await import(${source});
      const logFile = ${JSON.stringify(join(folder, 'log'))};
      const { pid } = await startProcess({ name: 'sleep', command: 'sleep', args: ['60'], logFile });
      process.stdout.write(String(pid));
      process.exit(3);`;
    const output = await new Promise<string>((done) => {
      execFile(process.execPath, ['--input-type=module', '-e', program], (_error, stdout) => done(stdout));
    });
    const pid = Number(output);
    expect(pid).toBeGreaterThan(0);
    const hasEnded = (): true | undefined => (commandLineOf(pid) === undefined ? true : undefined);
    expect(await pollUntil(hasEnded, { timeoutMs: 5_000 })).toBe(true);
  });

  it('ends by force what does not end when asked to', async () => {
    const stubborn = await startProcess({
      name: 'stubborn',
      command: process.execPath,
      args: ['-e', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)'],
      logFile: join(folder, 'stubborn.log'),
      stopGraceMs: 300,
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await stubborn.stop();
    expect(await stubborn.exited).toMatchObject({ signal: 'SIGKILL', expected: true });
  });
});

describe('stopLeftover', () => {
  it('leaves a process alone whose command line is another', async () => {
    const other = spawn('sleep', ['60']);
    try {
      expect(await stopLeftover(other.pid as number, ['nats-server'])).toBe(false);
      expect(commandLineOf(other.pid as number)).toBe('sleep 60');
      expect(await stopLeftover(other.pid as number, ['sleep', '60'])).toBe(true);
    } finally {
      other.kill('SIGKILL');
    }
  });
});
