import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNats, startPostgres, type StartedProcess } from '@parley/local-servers';
import { eventually } from '@parley/testing';

const NATS_BIN_DIR = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));

/** A server that can be killed, stopped as it stands, and started again on the same port and data. */
export class Victim {
  readonly url: string;
  private readonly begin: () => Promise<StartedProcess>;
  private process: StartedProcess;

  private constructor(url: string, process: StartedProcess, begin: () => Promise<StartedProcess>) {
    this.url = url;
    this.process = process;
    this.begin = begin;
  }

  static async start<S extends StartedProcess & { url: string; port: number }>(
    begin: (port?: number) => Promise<S>,
  ): Promise<Victim> {
    const server = await begin();
    return new Victim(server.url, server, () => begin(server.port));
  }

  get pid(): number {
    return this.process.pid;
  }

  /** kill -9 of the server and of all it started. */
  async kill(): Promise<void> {
    send('SIGKILL', [this.process.pid, ...childrenOf(this.process.pid)]);
    await this.process.exited;
  }

  /** Starts it again after a kill. */
  async restart(): Promise<void> {
    // What it had started may take a moment to be gone.
    this.process = await eventually(this.begin);
  }

  /** SIGSTOP: connections stay open and nobody answers. */
  pause(): void {
    send('SIGSTOP', [this.process.pid, ...childrenOf(this.process.pid)]);
  }

  resume(): void {
    send('SIGCONT', [...childrenOf(this.process.pid), this.process.pid]);
  }

  async stop(): Promise<void> {
    this.resume();
    await this.process.stop();
  }
}

/** A Postgres and a NATS of one test's own. What Postgres has committed survives kill -9 (not a loss of power). */
export class Servers {
  readonly postgres: Victim;
  readonly nats: Victim;
  private readonly folder: string;

  private constructor(postgres: Victim, nats: Victim, folder: string) {
    this.postgres = postgres;
    this.nats = nats;
    this.folder = folder;
  }

  static async start(): Promise<Servers> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-faults-'));
    const [postgres, nats] = await Promise.all([
      Victim.start((port) =>
        startPostgres({
          dataDir: join(folder, 'postgres'),
          password: 'test',
          logFile: join(folder, 'postgres.log'),
          // Not synchronous_commit=off, nor full_page_writes=off: those lose commits, or tear pages, at a kill -9.
          settings: { fsync: 'off', max_connections: '400' },
          ...(port && { port }),
        }),
      ),
      Victim.start((port) =>
        startNats({
          storeDir: join(folder, 'nats'),
          binDir: NATS_BIN_DIR,
          logFile: join(folder, 'nats.log'),
          ...(port && { port }),
        }),
      ),
    ]);
    return new Servers(postgres, nats, folder);
  }

  /** Everything JetStream has stored. The server has to be down. */
  deleteStream(): void {
    rmSync(join(this.folder, 'nats'), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await Promise.all([this.postgres.stop(), this.nats.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Postgres has a process per connection. */
function childrenOf(pid: number): number[] {
  return parents()
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child);
}

function parents(): [pid: number, parent: number][] {
  if (process.platform !== 'linux') {
    const list = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' });
    return list
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)]);
}

function parentOf(pid: string): number {
  try {
    // "pid (name, which may hold blanks and brackets) state parent …"
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

function send(signal: NodeJS.Signals, pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended in between.
    }
  }
}
