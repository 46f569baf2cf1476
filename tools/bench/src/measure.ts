import { runLoad } from './load/run-load.ts';
import type { LoadResult } from './load/load.ts';
import { cpuOf } from './processes.ts';
import { FIRST_NEW_CONTACT, STORED_CONTACTS } from './systems/system.ts';
import type { System, Workload } from './systems/system.ts';

/** One measurement of one system. */
export interface Measurement {
  /** Answers a second: starts, or duplicates recognised. */
  rate: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** CPU milliseconds per answer; what was left to do after the answers is counted too. */
  cpu: { services: number; database: number; broker: number; generator: number };
  started: number;
  known: number;
  failures: Record<string, number>;
}

export interface Measured {
  workload: Workload;
  connections: number;
  seconds: number;
  /** Requests a second; without it as many as there come answers. */
  rate?: number;
}

const WARM_UP_SECONDS = 1;
/** Until a process runs what it has compiled for its load. */
const FIRST_WARM_UP_SECONDS = 20;

/** Measures systems, and remembers what each of them said it started. */
export class Meter {
  readonly #signal: AbortSignal;
  readonly #started = new Map<System, Set<string>>();
  #next = FIRST_NEW_CONTACT;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** What the system said it started, in all measurements. */
  startedOf(system: System): Set<string> {
    const ids = this.#started.get(system) ?? new Set();
    this.#started.set(system, ids);
    return ids;
  }

  /** Once, before a system is measured at all. */
  async warmUp(system: System, connections: number): Promise<void> {
    const request = system.request('phone', await system.newFlow());
    const { sent } = await this.#run(system, {
      request,
      connections,
      seconds: FIRST_WARM_UP_SECONDS,
      first: this.#next,
    });
    this.#next += sent;
    await system.settle();
  }

  /** A second of warm-up, then the measurement. Each starts on a flow of its own. */
  async measure(system: System, what: Measured): Promise<Measurement> {
    const request = system.request(what.workload, await system.newFlow());
    const load = { request, connections: what.connections, rate: what.rate };
    // Stored contacts are used from the first one on, new ones are never used twice.
    const first = what.workload === 'contact' ? 0 : this.#next;
    const warmUp = await this.#run(system, { ...load, seconds: WARM_UP_SECONDS, first });
    await system.settle();

    const processes = system.processes();
    const before = processes.map(cpuOf);
    const result = await this.#run(system, { ...load, seconds: what.seconds, first: first + warmUp.sent });
    await system.settle();
    const used = processes.map((process, index) => cpuOf(process) - (before[index] as number));

    if (what.workload === 'contact') requireStored(warmUp.sent + result.sent);
    else this.#next += warmUp.sent + result.sent;
    const answers = result.started + result.known;
    const cpu = (kind: string): number =>
      processes.reduce((sum, process, at) => sum + (process.kind === kind ? (used[at] as number) : 0), 0) /
      answers;
    return {
      rate: answers / result.seconds,
      p50: result.p50,
      p99: result.p99,
      cpu: {
        services: cpu('service'),
        database: cpu('database'),
        broker: cpu('broker'),
        generator: result.cpuMs / answers,
      },
      started: result.started,
      known: result.known,
      failures: result.failures,
    };
  }

  async #run(system: System, load: Parameters<typeof runLoad>[0]): Promise<LoadResult> {
    const result = await runLoad(load, this.#signal);
    const ids = this.startedOf(system);
    for (const id of result.ids) ids.add(id);
    return result;
  }
}

function requireStored(used: number): void {
  if (used > STORED_CONTACTS)
    throw new Error(`More than the ${STORED_CONTACTS} stored contacts were asked for`);
}
