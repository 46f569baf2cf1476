import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { freePort, lastLines, pollUntil, startProcess } from '@parley/local-servers';
import type { StartedProcess } from '@parley/local-servers';
import { checkRows } from '../check.ts';
import { PEERS } from './peers.ts';
import type { Check, System, Workload } from './system.ts';

const READY_TIMEOUT_MS = 60_000;
/** The part of a workflow's key that names the contact. */
const CONTACTS: Record<Workload, string> = {
  phone: '{phone}',
  duplicates: '4915199999999',
  contact: '{contact}',
};

/** Restate's server and a process with the service it calls (peers/restate.mjs). */
export class Restate implements System {
  readonly name = 'restate';
  readonly #ingress: string;
  readonly #admin: string;
  readonly #server: StartedProcess;
  readonly #service: StartedProcess;

  private constructor(ingress: string, admin: string, server: StartedProcess, service: StartedProcess) {
    this.#ingress = ingress;
    this.#admin = admin;
    this.#server = server;
    this.#service = service;
  }

  static async start(home: string, signal: AbortSignal): Promise<Restate> {
    const [ingress, admin, node, service] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const { platform, arch } = process;
    const started = await startProcess({
      name: 'restate-service',
      command: process.execPath,
      args: [join(PEERS, 'restate.mjs')],
      cwd: PEERS,
      env: { ...process.env, NODE_ENV: 'production', HTTP_PORT: String(service) },
      logFile: join(home, 'logs', 'restate-service.log'),
    });
    const server = await startProcess({
      name: 'restate-server',
      command: join(
        PEERS,
        'node_modules',
        '@restatedev',
        `restate-server-${platform}-${arch}`,
        'bin',
        'restate-server',
      ),
      args: [
        '--no-logo',
        '--listen-mode',
        'tcp',
        '--node-name',
        'bench',
        '--base-dir',
        join(home, 'restate'),
      ],
      env: {
        ...process.env,
        RESTATE_BIND_IP: '127.0.0.1',
        RESTATE_ADVERTISED_HOST: '127.0.0.1',
        RESTATE_BIND_PORT: String(node),
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        RESTATE_DISABLE_TELEMETRY: 'true',
        // What waits long is set aside at once, as Restate advises; by default it stays open for a minute.
        RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT: '0s',
      },
      logFile: join(home, 'logs', 'restate-server.log'),
    });
    const restate = new Restate(`http://127.0.0.1:${ingress}`, `http://127.0.0.1:${admin}`, server, started);
    try {
      await restate.#register(`http://127.0.0.1:${service}`, signal);
    } catch (error) {
      await restate.stop();
      throw error;
    }
    return restate;
  }

  processes(): ReturnType<System['processes']> {
    return [
      { kind: 'service', name: 'restate-service', pid: this.#service.pid },
      // Server and database in one.
      { kind: 'service', name: 'restate-server', pid: this.#server.pid },
    ];
  }

  newFlow(): Promise<string> {
    return Promise.resolve(randomUUID());
  }

  request(workload: Workload, flow: string): ReturnType<System['request']> {
    return {
      origin: this.#ingress,
      path: `/session/${flow}-${CONTACTS[workload]}/run/send`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ cart_id: '987654321', cart_total: '49.90' }),
      started: { status: 202, contains: '"Accepted"' },
      known: { status: 202, contains: '"PreviouslyAccepted"' },
      idAfter: '"invocationId":"',
    };
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  async check(started: ReadonlySet<string>): Promise<Check[]> {
    const response = await fetch(`${this.#admin}/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query: 'SELECT id FROM sys_invocation_status' }),
    });
    const { rows } = (await response.json()) as { rows: { id: string }[] };
    return [
      checkRows(
        'invocations',
        started,
        rows.map(({ id }) => id),
      ),
    ];
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await this.#service.stop();
  }

  /** Tells the server of the service; it has to be up for that. */
  async #register(uri: string, signal: AbortSignal): Promise<void> {
    const probe = async (): Promise<true | undefined> => {
      try {
        const response = await fetch(`${this.#admin}/deployments`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ uri }),
        });
        await response.arrayBuffer();
        return response.ok ? true : undefined;
      } catch {
        return undefined;
      }
    };
    const limits = { timeoutMs: READY_TIMEOUT_MS, everyMs: 250, signal };
    if ((await pollUntil(probe, limits)) === true) return;
    throw new Error(['Restate did not get ready:', ...lastLines(this.#server.logFile, 20)].join('\n'));
  }
}
