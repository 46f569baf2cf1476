import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findNatsServer, pollUntil, startProcess } from '@parley/local-servers';
import type { StartedProcess } from '@parley/local-servers';
import pg from 'pg';
import { checkRows, checkStartedEvents, waitUntilHeard } from '../check.ts';
import { loadContacts, onDatabase } from '../bulk-rows.ts';
import { REPOSITORY_ROOT } from '../repository.ts';
import { waitForStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { STORED_CONTACTS, triggerRequest } from './system.ts';
import type { Check, System, Workload } from './system.ts';

export interface ParleyOptions {
  name: string;
  /** Where it keeps everything; it gets a Postgres and a NATS of its own there. */
  home: string;
  sessionReplicas?: number;
  /** Settings for its processes. */
  env?: Record<string, string>;
  /** Whether its flow asks the contact something; default not. */
  conversing?: boolean;
  /** Whether its channel service stands still, so that nobody hears what is asked; default not. */
  deaf?: boolean;
  signal: AbortSignal;
}

const START = join(REPOSITORY_ROOT, 'tools', 'local-stack', 'src', 'start.ts');
const SETTLE_TIMEOUT_MS = 120_000;
/** Sessions must not expire while they are counted. */
const TTL_MINUTES = 1_440;
const FLOW = {
  name: 'Bench',
  settings: { session_ttl_minutes: TTL_MINUTES },
  definition: {
    nodes: [
      { id: 'start', type: 'entry', data: {} },
      { id: 'rest', type: 'delay', data: { minutes: 1440 } },
    ],
    edges: [{ source: 'start', target: 'rest' }],
  },
};

/** The abandoned cart of `npm start`, whose sessions ask their contacts something. */
const CONVERSING_FLOW = {
  ...(JSON.parse(
    readFileSync(join(REPOSITORY_ROOT, 'tools', 'local-stack', 'seed', 'abandoned_cart.json'), 'utf8'),
  ) as { definition: object }),
  settings: { session_ttl_minutes: TTL_MINUTES },
};

/** Parley as `npm start` runs it: production builds of all services, with a Postgres and a NATS. */
export class Parley implements System {
  readonly name: string;
  readonly stack: Stack;
  readonly #home: string;
  readonly #process: StartedProcess;
  readonly #sessions: pg.Pool;
  readonly #conversing: boolean;
  readonly #deaf: boolean;

  private constructor(options: ParleyOptions, started: StartedProcess, stack: Stack) {
    this.name = options.name;
    this.stack = stack;
    this.#conversing = options.conversing === true;
    this.#deaf = options.deaf === true;
    this.#home = options.home;
    this.#process = started;
    this.#sessions = new pg.Pool({ connectionString: stack.databases.session, max: 1 });
    this.#sessions.on('error', () => undefined);
  }

  /** @throws Error with the end of its output when it does not get ready */
  static async start(options: ParleyOptions): Promise<Parley> {
    const { name, home, sessionReplicas = 1, env = {}, signal } = options;
    const nats = await findNatsServer(join(REPOSITORY_ROOT, '.parley', 'nats-server'), signal);
    const ports = [
      'GATEWAY',
      'CONTACT',
      'FLOW_CATALOG',
      'SESSION',
      'CHANNEL',
      'CHANNEL_HTTP',
      'POSTGRES',
      'NATS',
    ];
    const started = await startProcess({
      name,
      command: process.execPath,
      args: [START],
      env: {
        ...process.env,
        NODE_ENV: 'production',
        LOG_LEVEL: 'info',
        ...env,
        ...Object.fromEntries(ports.map((port) => [`${port}_PORT`, '0'])),
        DATABASE_URL: '',
        NATS_URL: '',
        SESSION_REPLICAS: String(sessionReplicas),
        PARLEY_HOME: home,
        PATH: nats.includes('/') ? `${dirname(nats)}:${process.env['PATH'] ?? ''}` : process.env['PATH'],
      },
      logFile: join(home, 'start.log'),
      // It stops its processes one stage after the other.
      stopGraceMs: 60_000,
    });
    try {
      const stack = await waitForStack(started, join(home, 'stack.json'), signal);
      const parley = new Parley(options, started, stack);
      await loadContacts(stack.databases.contact, stack.tenant_id, STORED_CONTACTS);
      if (parley.#deaf) process.kill(stack.pids.channel, 'SIGSTOP');
      return parley;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  processes(): ReturnType<System['processes']> {
    const { pids, replicas } = this.stack;
    return [
      { kind: 'service', name: 'gateway', pid: pids.gateway },
      { kind: 'service', name: 'contact', pid: pids.contact },
      { kind: 'service', name: 'flow-catalog', pid: pids.flow_catalog },
      ...replicas.session.map(({ pid }, index) => ({
        kind: 'service' as const,
        name: index === 0 ? 'session' : `session-${index + 1}`,
        pid,
      })),
      { kind: 'service', name: 'channel', pid: pids.channel },
      {
        kind: 'database',
        name: 'postgres',
        pid: this.#pidIn(join('postgres', 'postmaster.pid')),
        withChildren: true,
      },
      { kind: 'broker', name: 'nats', pid: this.#pidIn(join('nats', 'nats-server.pid')) },
    ];
  }

  async newFlow(): Promise<string> {
    const { id } = (await this.#post('/flows', this.#conversing ? CONVERSING_FLOW : FLOW)) as { id: string };
    await this.#post(`/flows/${id}/publish`);
    return id;
  }

  request(workload: Workload, flow: string): ReturnType<System['request']> {
    const { gateway, token } = this.stack;
    return triggerRequest(gateway, workload, flow, { authorization: `Bearer ${token}` });
  }

  async settle(): Promise<void> {
    const settled = await pollUntil(async () => ((await this.unpublished()) === 0 ? true : undefined), {
      timeoutMs: SETTLE_TIMEOUT_MS,
      everyMs: 100,
    });
    if (settled === undefined) throw new Error(`${this.name}: events still wait after 120 s`);
    // What nobody hears yet would be heard while another system is measured.
    if (this.#conversing && !this.#deaf) await waitUntilHeard(this.stack.nats, 'channel', SETTLE_TIMEOUT_MS);
  }

  /** Events that are committed and not yet marked as published. */
  async unpublished(): Promise<number> {
    const { rows } = await this.#sessions.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM outbox WHERE published_at IS NULL',
    );
    return rows[0]?.n ?? 0;
  }

  /** Has Postgres write down everything now, so that it does not do so while something else is measured. */
  async checkpoint(): Promise<void> {
    const file = join(this.#home, 'installation.json');
    const { postgres_password: password } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const url = new URL(this.stack.databases.session);
    Object.assign(url, { username: 'parley', password, pathname: '/postgres' });
    await onDatabase(url.href, (client) => client.query('CHECKPOINT'));
  }

  async check(started: ReadonlySet<string>): Promise<Check[]> {
    const { nats } = this.stack;
    const { rows } = await this.#sessions.query<{ id: string }>(
      // Rows that the bench itself put there have no context.
      "SELECT id FROM sessions WHERE context::text LIKE '%cart_id%'",
    );
    return [
      checkRows(
        'sessions',
        started,
        rows.map(({ id }) => id),
      ),
      await checkStartedEvents(nats, started),
      ...(this.#conversing ? [await this.#checkMessages(started)] : []),
    ];
  }

  /** Each started session has asked once. */
  async #checkMessages(started: ReadonlySet<string>): Promise<Check> {
    const { rows } = await this.#sessions.query<{ subject: string }>(
      "SELECT subject FROM outbox_events WHERE type = 'message.requested' AND published_at IS NOT NULL",
    );
    return checkRows(
      'message.requested events',
      started,
      rows.map(({ subject }) => subject),
    );
  }

  async stop(): Promise<void> {
    try {
      await this.#sessions.end();
      if (this.#deaf) process.kill(this.stack.pids.channel, 'SIGCONT');
    } finally {
      await this.#process.stop();
    }
  }

  #pidIn(file: string): number {
    return Number.parseInt(readFileSync(join(this.#home, file), 'utf8'), 10);
  }

  async #post(path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.stack.gateway}/api/v1${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.stack.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
