import { randomUUID } from 'node:crypto';
import { eventually, EventProbe } from '@parley/testing';
import { BalancedClient } from '../balanced-client.ts';
import { check, type CheckOptions, type Violation } from '../checker.ts';
import { Cluster, type Answer, type ClusterOptions, type Name } from '../cluster.ts';
import type { Query } from '../evidence.ts';
import { History } from '../history.ts';
import { measure, type Resources } from '../resources.ts';
import { Servers } from '../servers.ts';
import { Random } from '../torture/fault.ts';
import { Wire } from '../wire/wire.ts';

export interface RigOptions {
  seed?: number;
  replicas?: ClusterOptions['replicas'];
  /** Settings of processes by their names. */
  settings?: ClusterOptions['settings'];
  /** Puts the session service's Postgres and NATS behind wires, and lets nothing happen by the clock: nothing expires. */
  wired?: boolean;
  /** Whether starts have no event but session.started; default not. */
  silent?: boolean;
}

/** A start a caller can repeat. */
export interface Start {
  phone: string;
  /** Undefined: repeated, it finds its own session running. */
  key: string | undefined;
}

/**
 * V8 collects late while the machine has memory to spare, and what it has not collected looks like a leak. So limited, a
 * process that does leak grows all the same, or dies of it.
 */
const HEAP = { NODE_OPTIONS: '--max-old-space-size=96 --max-semi-space-size=8' };

/** What a contact says. Its message has an id, so a caller can repeat it. */
export interface Reply {
  sessionId: string;
  text: string;
  message: string;
  /** Where it goes to whichever session of the contact waits; undefined: to the session. */
  phone?: string | undefined;
}

/** A caller gives up on a start or a reply after this long. */
const PATIENCE_MS = 40_000;

/** All of Parley on a Postgres and a NATS of its own, callers who record what they are told, and the checker. */
export class Rig {
  readonly servers: Servers;
  readonly cluster: Cluster;
  readonly wires: { postgres: Wire; nats: Wire } | undefined;
  readonly random: Random;
  readonly query: Query;
  history = new History();
  private tenant = 'acme';
  private flow = '';
  private client: BalancedClient;
  private phones = 0;
  private readonly silent: boolean;

  private constructor(
    servers: Servers,
    cluster: Cluster,
    wires: Rig['wires'],
    { seed = 1, silent = false }: RigOptions,
  ) {
    this.silent = silent;
    this.servers = servers;
    this.cluster = cluster;
    this.wires = wires;
    this.random = new Random(seed);
    this.query = (text) => cluster.query('session', text);
    this.client = new BalancedClient(cluster.gateways, cluster.tokenOf());
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const servers = await Servers.start();
    const wires = options.wired
      ? {
          postgres: await Wire.toPostgres(servers.postgres.url),
          nats: await Wire.toNats(servers.nats.url),
        }
      : undefined;
    const cluster = await Cluster.start({
      servers,
      ...(options.replicas && { replicas: options.replicas }),
      settings: (name, own): Record<string, string> => {
        const given = { ...HEAP, ...options.settings?.(name, own) };
        if (!wires || name !== 'session') return given;
        return {
          ...given,
          DATABASE_URL: wires.postgres.urlOf(own['DATABASE_URL']!),
          NATS_URL: wires.nats.urlOf(own['NATS_URL']!),
          EXPIRER: 'false',
        };
      },
    });
    const rig = new Rig(servers, cluster, wires, options);
    rig.flow = await rig.createFlow();
    return rig;
  }

  get tenantId(): string {
    return this.cluster.tenantIdOf(this.tenant);
  }

  get moved(): number {
    return this.client.moved;
  }

  /** As an orchestrator does with a replica of the gateway that is about to end, before it asks it to. */
  leave(name: Name): void {
    this.client.leaving.add(`http://127.0.0.1:${this.cluster.portOf(name)}`);
  }

  join(name: Name): void {
    this.client.leaving.delete(`http://127.0.0.1:${this.cluster.portOf(name)}`);
  }

  /** From here on with a history, a tenant and a flow of its own: what came before is not judged any more. */
  async renew(): Promise<void> {
    this.tenant = `tenant-${randomUUID()}`;
    await this.cluster.createToken(this.tenant);
    this.flow = await this.createFlow();
    this.client.close();
    this.client = new BalancedClient(this.cluster.gateways, this.cluster.tokenOf(this.tenant));
    this.history = new History();
  }

  /** A contact that has had no session yet. Unless told otherwise every other one has a key: they go different ways. */
  newStart(keyed = this.phones % 2 === 0): Start {
    const phone = `+1415${2_000_000 + (this.phones += 1)}`;
    return { phone, key: keyed ? randomUUID() : undefined };
  }

  /** One attempt. Undefined: no answer came. */
  start(start: Start = this.newStart()): Promise<Answer | undefined> {
    const body = { flow_id: this.flow, phone: start.phone, context: { cart: start.phone } };
    const asked = { kind: 'start', flow: this.flow, contact: start.phone, key: start.key, body };
    return this.http(asked, 'POST', '/actions/trigger-flow', body, {
      ...(start.key !== undefined && { 'Idempotency-Key': start.key }),
    });
  }

  /** Repeats a start, with its key if it has one, until it is answered for good. Gives the session's id. */
  async startUntilAnswered(start: Start = this.newStart()): Promise<string> {
    return eventually(async () => {
      const answer = await this.start(start);
      if (!answer || answer.status >= 400) throw new Error(`The start was answered with ${answer?.text}`);
      return (answer.body as { id: string }).id;
    }, PATIENCE_MS);
  }

  /** One attempt. */
  reply({ sessionId, text, message, phone }: Reply): Promise<Answer | undefined> {
    const body = { ...(phone !== undefined && { phone }), text, message_id: message };
    const path = phone === undefined ? `/sessions/${sessionId}/replies` : '/actions/receive-message';
    return this.http({ kind: 'reply', message, body }, 'POST', path, body);
  }

  /** Repeats a reply until it is answered for good: taken, or refused as its session has ended. */
  async replyUntilAnswered(reply: Reply): Promise<void> {
    await eventually(async () => {
      const answer = await this.reply(reply);
      if (!answer || answer.status >= 500) throw new Error(`The reply was answered with ${answer?.text}`);
    }, PATIENCE_MS);
  }

  /** From here on the tenant's messages go there. */
  async setWebhook(url: string): Promise<void> {
    const answer = await this.client.send('PUT', '/channels/webhook', { url });
    if (answer.status >= 300) throw new Error(`The webhook was answered with ${answer.text}`);
  }

  cancel(id: string): Promise<Answer | undefined> {
    return this.http({ kind: 'cancel' }, 'POST', `/sessions/${id}/cancel`);
  }

  read(id: string): Promise<Answer | undefined> {
    return this.http({ kind: 'read' }, 'GET', `/sessions/${id}`);
  }

  /** So many of the running sessions expire, and as many have waited for long enough, one to two seconds from now. */
  async shorten(count: number): Promise<void> {
    const { cluster, history, tenantId } = this;
    const soon = `date_trunc('milliseconds', clock_timestamp() + (1 + random()) * interval '1 s')`;
    const waiting = `status = 'running' AND wait_kind = 'reply' AND wait_until > clock_timestamp() + interval '1 minute'`;
    const due = await cluster.query<{ id: string; until: Date }>(
      'session',
      `SELECT id, ${soon} AS until FROM sessions WHERE tenant_id = $1 AND ${waiting} LIMIT $2`,
      [tenantId, count],
    );
    // Before it is so: the answer that it is may be lost.
    await history.record({ kind: 'wait', tenantId }, () =>
      Promise.resolve({ outcome: 'ok', due: due.map(({ id, until }) => ({ id, at: until.getTime() })) }),
    );
    await cluster.query(
      'session',
      `UPDATE sessions SET wait_until = due.until FROM unnest($1::uuid[], $2::timestamptz[]) AS due (id, until)
       WHERE sessions.id = due.id AND ${waiting}`,
      [due.map(({ id }) => id), due.map(({ until }) => until)],
    );
    await cluster.query(
      'session',
      `UPDATE sessions SET expires_at = ${soon}
       WHERE id IN (SELECT id FROM sessions WHERE status = 'running' AND tenant_id = $1
                    AND expires_at > clock_timestamp() + interval '1 minute' LIMIT $2)
         AND status = 'running'`,
      [tenantId, count],
    );
  }

  /** What every process of the cluster and every database holds now (I10), our idle connections aside. */
  measure(): Promise<Resources> {
    this.client.disconnect();
    const pids = this.cluster.names.map((name) => [name, this.cluster.pidOf(name)]);
    return measure(Object.fromEntries(pids) as Record<string, number>, this.query);
  }

  /** Holds the history against rows and events (I1 to I9). A process that nobody ended and is gone is a violation, too. */
  async check(
    limits: Pick<CheckOptions, 'drainWithinMs' | 'lateMs' | 'onceEach'> = {},
  ): Promise<Violation[]> {
    const probe = await EventProbe.open('PARLEY_SESSION', undefined, this.servers.nats.url);
    try {
      const crashed = this.cluster
        .crashed()
        .map((name): Violation => ({ name: 'I9', text: `${name} ended by itself` }));
      return [...crashed, ...(await check(this.history, { query: this.query, probe, ...limits }))];
    } finally {
      await probe.close();
    }
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.cluster.stop();
    await this.wires?.postgres.cut();
    await this.wires?.nats.cut();
    await this.servers.stop();
  }

  private createFlow(): Promise<string> {
    const { tenant, silent } = this;
    return this.cluster.createFlow({ tenant, silent, converses: !silent });
  }

  private http(
    asked: { kind: string; key?: string; message?: string; flow?: string; contact?: string; body?: unknown },
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer | undefined> {
    const { tenantId } = this;
    return this.history.http({ ...asked, tenantId }, () => this.client.send(method, path, body, headers));
  }
}
