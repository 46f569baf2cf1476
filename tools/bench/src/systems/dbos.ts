import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { freePort, startProcess } from '@parley/local-servers';
import type { PostgresServer, StartedProcess } from '@parley/local-servers';
import { onDatabase } from '../bulk-rows.ts';
import { checkRows } from '../check.ts';
import { createDatabase, waitUntilAnswers } from './own-servers.ts';
import { PEERS } from './peers.ts';
import { triggerRequest } from './system.ts';
import type { Check, System, Workload } from './system.ts';

/** DBOS with an HTTP entry (peers/dbos.mjs): one process, its tables in Postgres. */
export class Dbos implements System {
  readonly name = 'dbos';
  readonly #origin: string;
  readonly #process: StartedProcess;
  readonly #postgres: PostgresServer;
  readonly #databaseUrl: string;

  private constructor(
    origin: string,
    started: StartedProcess,
    postgres: PostgresServer,
    databaseUrl: string,
  ) {
    this.#origin = origin;
    this.#process = started;
    this.#postgres = postgres;
    this.#databaseUrl = databaseUrl;
  }

  static async start(postgres: PostgresServer, home: string, signal: AbortSignal): Promise<Dbos> {
    const databaseUrl = await createDatabase(postgres, 'bench_dbos');
    const port = await freePort();
    const started = await startProcess({
      name: 'dbos',
      command: process.execPath,
      args: [join(PEERS, 'dbos.mjs')],
      cwd: PEERS,
      env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: databaseUrl, HTTP_PORT: String(port) },
      logFile: join(home, 'logs', 'dbos.log'),
    });
    const origin = `http://127.0.0.1:${port}`;
    await waitUntilAnswers(started, origin, signal);
    return new Dbos(origin, started, postgres, databaseUrl);
  }

  processes(): ReturnType<System['processes']> {
    return [
      { kind: 'service', name: 'dbos', pid: this.#process.pid },
      { kind: 'database', name: 'postgres', pid: this.#postgres.pid, withChildren: true },
    ];
  }

  newFlow(): Promise<string> {
    return Promise.resolve(randomUUID());
  }

  request(workload: Workload, flow: string): ReturnType<System['request']> {
    return triggerRequest(this.#origin, workload, flow);
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  async check(started: ReadonlySet<string>): Promise<Check[]> {
    const { rows } = await onDatabase(this.#databaseUrl, (client) =>
      client.query<{ id: string }>('SELECT workflow_uuid AS id FROM dbos.workflow_status'),
    );
    return [
      checkRows(
        'workflows',
        started,
        rows.map(({ id }) => id),
      ),
    ];
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
