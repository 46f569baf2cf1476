import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, lastLines, runCommand, startProcess, type StartedProcess } from '@parley/local-servers';
import { eventually, NATS_URL, POSTGRES_URL, queryOnce } from '@parley/testing';
import type pg from 'pg';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const APPS = ['gateway', 'contact', 'flow-catalog', 'session', 'channel'] as const;

export type App = (typeof APPS)[number];

export interface Answer {
  status: number;
  headers: Headers;
  /** As it was sent. */
  text: string;
  body: unknown;
}

/** A process of an app: the app's name, and -2 for its second replica. */
export type Name = App | `${App}-${number}`;

export interface ClusterOptions {
  /** Processes of an app; default 1, of session 2. */
  replicas?: Partial<Record<App, number>>;
  /** Default: the test servers. */
  servers?: { postgres: { url: string }; nats: { url: string } };
  /** What a process is given in place of its own settings, or beside them. Asked at each of its starts. */
  settings?: (name: Name, own: Record<string, string>) => Record<string, string>;
}

/** The node at which sessions wait. */
const QUESTION = {
  type: 'ask',
  data: { text: 'Finish your order?', choices: [{ id: 'yes', title: 'Yes' }], max_attempts: 10 },
};
const DELAY = { type: 'delay', data: { minutes: 1_440 } };
/** A conversation of any length: "more" asks again, "yes" ends it, no answer in time ends it otherwise. */
const conversation = (timeoutMinutes: number) => ({
  nodes: [
    { id: 'start', type: 'entry', data: {} },
    {
      id: 'wait',
      type: 'ask',
      data: {
        text: 'Finish your order, {{context.cart}}?',
        choices: [
          { id: 'yes', title: 'Yes' },
          { id: 'more', title: 'Tell me more' },
        ],
        timeout_minutes: timeoutMinutes,
        max_attempts: 10,
      },
    },
    { id: 'details', type: 'send_message', data: { text: 'It is still in your cart.' } },
    { id: 'done', type: 'send_message', data: { text: 'Thank you.' } },
    { id: 'recovered', type: 'end', data: { outcome: 'recovered' } },
    { id: 'reminder', type: 'send_message', data: { text: 'We keep it for you.' } },
    { id: 'abandoned', type: 'end', data: { outcome: 'abandoned' } },
  ],
  edges: [
    { source: 'start', target: 'wait' },
    { source: 'wait', sourceHandle: 'more', target: 'details' },
    { source: 'details', target: 'wait' },
    { source: 'wait', sourceHandle: 'yes', target: 'done' },
    { source: 'done', target: 'recovered' },
    { source: 'wait', sourceHandle: 'timeout', target: 'reminder' },
    { source: 'reminder', target: 'abandoned' },
  ],
});

/**
 * The services as separate processes, two replicas of session among them, from their production builds; each on
 * a database of its own on the test Postgres. Processes can be killed and restarted.
 */
export class Cluster {
  readonly natsUrl: string;
  /** Every process by its name. */
  readonly names: readonly Name[];
  private readonly options: ClusterOptions;
  private readonly postgresUrl: string;
  private readonly id = randomUUID().replaceAll('-', '').slice(0, 12);
  private readonly logs = mkdtempSync(join(tmpdir(), 'parley-e2e-'));
  private readonly ports = new Map<Name, number>();
  private readonly ended: Name[] = [];
  private readonly processes = new Map<Name, StartedProcess>();
  private tokens = new Map<string, { token: string; tenantId: string }>();

  private constructor(options: ClusterOptions) {
    this.options = options;
    this.postgresUrl = options.servers?.postgres.url ?? process.env[POSTGRES_URL]!;
    this.natsUrl = options.servers?.nats.url ?? process.env[NATS_URL]!;
    const replicas = new Map<string, number>(Object.entries({ session: 2, ...options.replicas }));
    this.names = APPS.flatMap((app) =>
      Array.from({ length: replicas.get(app) ?? 1 }, (_, index): Name =>
        index === 0 ? app : `${app}-${index + 1}`,
      ),
    );
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options);
    await cluster.createDatabases();
    for (const name of cluster.names) cluster.ports.set(name, await freePort());
    await Promise.all([...cluster.ports.keys()].map((name) => cluster.startProcess(name)));
    await cluster.createToken('acme');
    await cluster.ready();
    return cluster;
  }

  /** Where a process listens, host:port. */
  addressOf(name: Name): string {
    return `127.0.0.1:${this.ports.get(name)!}`;
  }

  get gateway(): string {
    return `http://${this.addressOf('gateway')}`;
  }

  /** Where each replica of the gateway listens. */
  get gateways(): string[] {
    return this.replicasOf('gateway').map((name) => `http://${this.addressOf(name)}`);
  }

  replicasOf(app: App): Name[] {
    return this.names.filter((name) => appOf(name) === app);
  }

  /** The process id of a process, as long as it runs. */
  pidOf(name: Name): number {
    return this.processes.get(name)!.pid;
  }

  /** Where a process listens, at 127.0.0.1. */
  portOf(name: Name): number {
    return this.ports.get(name)!;
  }

  /** What a client of a gRPC service is given as its target: every replica's address. */
  targetOf(app: App): string {
    return `ipv4:${this.replicasOf(app)
      .map((name) => `127.0.0.1:${this.ports.get(name)!}`)
      .join(',')}`;
  }

  tokenOf(tenant = 'acme'): string {
    return this.tokens.get(tenant)!.token;
  }

  tenantIdOf(tenant = 'acme'): string {
    return this.tokens.get(tenant)!.tenantId;
  }

  /** A request with the tenant's token. */
  async request(method: string, path: string, body?: unknown, tenant = 'acme'): Promise<Answer> {
    const response = await fetch(`${this.gateway}/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.tokenOf(tenant)}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  }

  trigger(body: unknown, tenant = 'acme'): Promise<Answer> {
    return this.request('POST', '/actions/trigger-flow', body, tenant);
  }

  /** Makes a flow and, unless told otherwise, publishes it. Gives its id. */
  async createFlow(
    options: {
      ttl?: number;
      entry?: boolean;
      publish?: boolean;
      tenant?: string;
      silent?: boolean;
      /**
       * Whether it asks again and again, and ends when answered, or not answered for half its time; else it asks once, and
       * nothing comes of it.
       */
      converses?: boolean;
    } = {},
  ): Promise<string> {
    const {
      ttl = 30,
      entry = true,
      publish = true,
      tenant = 'acme',
      silent = false,
      converses = false,
    } = options;
    // Its sessions wait until they expire; unless silent they ask something, and may be answered.
    const wait = { id: 'wait', ...(silent ? DELAY : QUESTION) };
    const asking = {
      nodes: [...(entry ? [{ id: 'start', type: 'entry', data: {} }] : []), wait],
      edges: entry ? [{ source: 'start', target: 'wait' }] : [],
    };
    const definition = converses ? conversation(Math.floor(ttl / 2)) : asking;
    const settings = { session_ttl_minutes: ttl };
    const created = await this.request(
      'POST',
      '/flows',
      { name: 'Abandoned cart 30min', definition, settings },
      tenant,
    );
    const { id } = created.body as { id: string };
    if (!publish) return id;
    const published = await this.request('POST', `/flows/${id}/publish`, undefined, tenant);
    // One without an entry is for those who want to see it refused.
    if (entry && published.status !== 200) throw new Error(`Not published: ${published.text}`);
    return id;
  }

  /** A token of a tenant, which is made when it is new. */
  async createToken(tenant: string, ...options: string[]): Promise<string> {
    const args = [
      'create',
      '--tenant',
      tenant,
      '--name',
      randomUUID(),
      '--rate',
      '1000000',
      '--json',
      ...options,
    ];
    const created = JSON.parse(await this.run('gateway', 'token.js', args)) as {
      token: string;
      tenant_id: string;
    };
    if (!this.tokens.has(tenant))
      this.tokens.set(tenant, { token: created.token, tenantId: created.tenant_id });
    return created.token;
  }

  async run(app: App, script: string, args: string[] = []): Promise<string> {
    return runCommand(process.execPath, [join(ROOT, 'apps', app, 'dist', script), ...args], {
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: this.databaseUrl(app), NATS_URL: this.natsUrl },
    });
  }

  /** A statement on a service's database, behind its back. */
  async query<Row extends pg.QueryResultRow>(app: App, text: string, parameters?: unknown[]): Promise<Row[]> {
    return queryOnce<Row>(this.databaseUrl(app), text, parameters);
  }

  /** Takes a service's database away while work is done: no connection stays, and none is let in. */
  async withoutDatabase<T>(app: App, work: () => Promise<T>): Promise<T> {
    const name = this.databaseName(app);
    await queryOnce(this.postgresUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await queryOnce(
      this.postgresUrl,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
    try {
      return await work();
    } finally {
      await queryOnce(this.postgresUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    }
  }

  /** Ends a process as a crash would. */
  async kill(name: Name): Promise<void> {
    await this.processes.get(name)!.kill();
  }

  /** SIGSTOP: its connections stay open and nobody answers. */
  pause(name: Name): void {
    process.kill(this.pidOf(name), 'SIGSTOP');
  }

  resume(name: Name): void {
    process.kill(this.pidOf(name), 'SIGCONT');
  }

  /** Asks a process to end, as an orchestrator would. Gives its exit code. */
  async terminate(name: Name): Promise<number | null> {
    const started = this.processes.get(name)!;
    await started.stop();
    return (await started.exited).code;
  }

  /** Starts a killed or ended process again, on the same port. */
  async restart(name: Name): Promise<void> {
    await this.startProcess(name);
    // Another replica may be ready already.
    await eventually(() => {
      const log = this.logOf(name);
      if (!log.includes('Listening on'))
        throw new Error(`${name} does not listen yet: ${lastLines(this.logFile(name), 3).join(' | ')}`);
    });
    await this.ready();
  }

  /** Processes that ended although nobody asked them to. */
  crashed(): Name[] {
    return [...this.ended];
  }

  /** What a process has logged since it was started last; calls are logged, too. */
  logOf(name: Name): string {
    return readFileSync(this.logFile(name), 'utf8');
  }

  /** Waits until every replica of the gateway and all they depend on answer. */
  async ready(): Promise<void> {
    const isReady = (gateway: string): Promise<void> =>
      eventually(async () => {
        const response = await fetch(`${gateway}/readyz/traffic`);
        const { checks } = (await response.json()) as { checks: Record<string, string> };
        // The gateway takes traffic without channels; a test that sets one needs them.
        if (!response.ok || checks['channel'] !== 'ok')
          throw new Error(`Not ready: ${JSON.stringify(checks)}`);
      });
    await Promise.all(this.gateways.map(isReady));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.processes.values()].map((started) => started.stop()));
    for (const app of APPS)
      await queryOnce(this.postgresUrl, `DROP DATABASE ${this.databaseName(app)} WITH (FORCE)`);
    rmSync(this.logs, { recursive: true, force: true });
  }

  private async createDatabases(): Promise<void> {
    for (const app of APPS) await queryOnce(this.postgresUrl, `CREATE DATABASE ${this.databaseName(app)}`);
    await Promise.all(APPS.map((app) => this.run(app, 'migrate.js')));
  }

  private async startProcess(name: Name): Promise<void> {
    const app = appOf(name);
    const own = this.settings(name, app);
    rmSync(this.logFile(name), { force: true });
    const started = await startProcess({
      name,
      command: process.execPath,
      args: [join(ROOT, 'apps', app, 'dist', 'main.js')],
      env: { ...process.env, NODE_OPTIONS: '', ...own, ...this.options.settings?.(name, own) },
      logFile: this.logFile(name),
    });
    this.processes.set(name, started);
    void started.exited.then(({ expected }) => {
      if (!expected) this.ended.push(name);
    });
  }

  private logFile(name: Name): string {
    return join(this.logs, `${name}.log`);
  }

  private settings(name: Name, app: App): Record<string, string> {
    const port = String(this.ports.get(name)!);
    return {
      DATABASE_URL: this.databaseUrl(app),
      NATS_URL: this.natsUrl,
      GRPC_PORT: port,
      // Of channel it is where providers send to, which no test of the whole asks for.
      HTTP_PORT: app === 'channel' ? '0' : port,
      // No test talks to Meta.
      WHATSAPP_BASE_URL: 'http://127.0.0.1:9/v23.0',
      EVENT_CONSUMER: `${app}-${this.id}`,
      CONTACT_ADDRESS: this.targetOf('contact'),
      FLOW_CATALOG_ADDRESS: this.targetOf('flow-catalog'),
      SESSION_ADDRESS: this.targetOf('session'),
      CHANNEL_ADDRESS: this.targetOf('channel'),
      LOG_LEVEL: 'debug',
    };
  }

  private databaseName(app: App): string {
    return `e2e_${this.id}_${app.replace('-', '_')}`;
  }

  databaseUrl(app: App): string {
    const url = new URL(this.postgresUrl);
    url.pathname = `/${this.databaseName(app)}`;
    return url.href;
  }
}

export function appOf(name: Name): App {
  return name.replace(/-\d+$/, '') as App;
}
