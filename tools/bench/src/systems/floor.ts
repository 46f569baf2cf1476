import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, runCommand, startProcess } from '@parley/local-servers';
import type { PostgresServer, StartedProcess } from '@parley/local-servers';
import { loadContacts, onDatabase } from '../bulk-rows.ts';
import { checkRows } from '../check.ts';
import { FLOOR_TENANT } from '../floor/starter.ts';
import { appProgram } from '../repository.ts';
import { createDatabase, waitUntilAnswers } from './own-servers.ts';
import { STORED_CONTACTS, triggerRequest } from './system.ts';
import type { Check, System, Workload } from './system.ts';

const MAIN = fileURLToPath(new URL('../floor/main.ts', import.meta.url));
const DATABASE = 'bench_floor';

/** The one process of tools/bench/src/floor, on a database with the tables of contact and session. */
export class Floor implements System {
  readonly name = 'floor';
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

  static async start(postgres: PostgresServer, home: string, signal: AbortSignal): Promise<Floor> {
    const databaseUrl = await createDatabase(postgres, DATABASE);
    const env = { ...process.env, NODE_ENV: 'production', DATABASE_URL: databaseUrl };
    for (const app of ['contact', 'session'])
      await runCommand(process.execPath, [appProgram(app, 'migrate')], { env, signal });
    await loadContacts(databaseUrl, FLOOR_TENANT, STORED_CONTACTS);
    const port = await freePort();
    const started = await startProcess({
      name: 'floor',
      command: process.execPath,
      args: [MAIN],
      env: { ...env, HTTP_PORT: String(port) },
      logFile: join(home, 'logs', 'floor.log'),
    });
    const origin = `http://127.0.0.1:${port}`;
    await waitUntilAnswers(started, origin, signal);
    return new Floor(origin, started, postgres, databaseUrl);
  }

  processes(): ReturnType<System['processes']> {
    return [
      { kind: 'service', name: 'floor', pid: this.#process.pid },
      { kind: 'database', name: 'postgres', pid: this.#postgres.pid, withChildren: true },
    ];
  }

  newFlow(): Promise<string> {
    return Promise.resolve(randomUUID());
  }

  request(workload: Workload, flow: string): ReturnType<System['request']> {
    return triggerRequest(this.#origin, workload, flow);
  }

  /** Nothing is left to do after an answer. */
  settle(): Promise<void> {
    return Promise.resolve();
  }

  async check(started: ReadonlySet<string>): Promise<Check[]> {
    const [sessions, events] = await onDatabase(this.#databaseUrl, async (client) => [
      (await client.query<{ id: string }>('SELECT id FROM sessions')).rows,
      (await client.query<{ id: string }>('SELECT subject AS id FROM outbox')).rows,
    ]);
    return [
      checkRows('sessions', started, idsOf(sessions)),
      checkRows('outbox rows', started, idsOf(events)),
    ];
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

function idsOf(rows: { id: string }[] = []): string[] {
  return rows.map(({ id }) => id);
}
