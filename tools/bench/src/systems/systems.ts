import { join } from 'node:path';
import { startPostgres } from '@parley/local-servers';
import type { PostgresServer } from '@parley/local-servers';
import type { SystemName } from '../options.ts';
import { Dbos } from './dbos.ts';
import { Floor } from './floor.ts';
import { Parley } from './parley.ts';
import { installPeers } from './peers.ts';
import { Restate } from './restate.ts';
import type { System } from './system.ts';

/** Starts what is to be measured, and stops all of it. */
export class Systems {
  readonly #home: string;
  readonly #log: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #running = new Map<string, System>();
  #postgres: PostgresServer | undefined;

  constructor(home: string, log: (line: string) => void, signal: AbortSignal) {
    this.#home = home;
    this.#log = log;
    this.#signal = signal;
  }

  async start(names: readonly SystemName[]): Promise<System[]> {
    const systems: System[] = [];
    for (const name of names) systems.push(await this.get(name));
    return systems;
  }

  /** The system of that name; starts it when it does not run. */
  async get(name: SystemName): Promise<System> {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    this.#log(`Starting ${name}`);
    return this.#startOne(name);
  }

  /** Parley with its usual settings; starts it when it does not run. */
  async parley(): Promise<Parley> {
    return (await this.get('parley')) as Parley;
  }

  /** Those that run. */
  all(): System[] {
    return [...this.#running.values()];
  }

  /** Another Parley, with other settings. */
  async startParley(
    name: string,
    settings: {
      sessionReplicas?: number;
      env?: Record<string, string>;
      conversing?: boolean;
      deaf?: boolean;
    } = {},
  ): Promise<Parley> {
    if (!['parley', 'conversing', 'heard', 'naive'].includes(name)) this.#log(`Starting parley for ${name}`);
    const home = join(this.#home, name);
    return this.#keep(await Parley.start({ name, home, signal: this.#signal, ...settings }));
  }

  /** Last started, first stopped. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.toReversed()) await stop();
    this.#stops.length = 0;
    this.#running.clear();
    this.#postgres = undefined;
  }

  async #startOne(name: SystemName): Promise<System> {
    switch (name) {
      case 'parley':
        return this.startParley(name);
      case 'conversing':
        return this.startParley(name, { conversing: true, deaf: true });
      case 'heard':
        return this.startParley(name, { conversing: true });
      case 'naive':
        return this.startParley(name, { env: { TRIGGER_BATCH_SIZE: '1' } });
      case 'floor':
        return this.#keep(await Floor.start(await this.#ownPostgres(), this.#home, this.#signal));
      case 'restate':
        await installPeers(this.#log, this.#signal);
        return this.#keep(await Restate.start(this.#home, this.#signal));
      case 'dbos':
        await installPeers(this.#log, this.#signal);
        return this.#keep(await Dbos.start(await this.#ownPostgres(), this.#home, this.#signal));
    }
  }

  #keep<T extends System>(system: T): T {
    this.#stops.push(() => system.stop());
    this.#running.set(system.name, system);
    return system;
  }

  /** For those that bring none: with the same settings as that of `npm start`. */
  async #ownPostgres(): Promise<PostgresServer> {
    if (this.#postgres !== undefined) return this.#postgres;
    const postgres = await startPostgres({
      dataDir: join(this.#home, 'postgres'),
      password: 'bench',
      logFile: join(this.#home, 'logs', 'postgres.log'),
      signal: this.#signal,
    });
    this.#stops.push(() => postgres.stop());
    this.#postgres = postgres;
    return postgres;
  }
}
