import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from '@parley/testing';
import type { Query } from './evidence.ts';
import { violation, type Violation } from './invariants.ts';

/** What a process holds. On systems without /proc only its memory is known; the others are 0. */
export interface Held {
  /** Resident memory, MiB. */
  memory: number;
  /** Open files and sockets. */
  handles: number;
  threads: number;
}

/** Of each process by its name, and of the connections to each database by its name. */
export interface Resources {
  processes: Record<string, Held>;
  connections: Record<string, number>;
}

/** What may have been added when a test is over. */
export interface Allowance {
  /** MiB per process; default 64: the first load fills caches and heap. */
  memory?: number;
  /** Per process; default 12: connections to other replicas, and those that come and go. */
  handles?: number;
  /** Per database; default 2. */
  connections?: number;
  /** How long the return to the baseline may take. Default 15,000 ms. */
  withinMs?: number;
}

/** Measures processes by their ids, and connections as Postgres counts them (a query on any database of the server). */
export async function measure(processes: Record<string, number>, query: Query): Promise<Resources> {
  const rows = await query<{ name: string; count: number }>(
    `SELECT datname AS name, count(*)::int AS count FROM pg_stat_activity
     WHERE datname IS NOT NULL AND pid <> pg_backend_pid() GROUP BY datname`,
  );
  const held = Object.entries(processes).map(([name, pid]) => [name, heldBy(pid)]);
  return {
    processes: Object.fromEntries(held) as Record<string, Held>,
    connections: Object.fromEntries(rows.map(({ name, count }) => [name, count])),
  };
}

/** I10: waits for the resources to return to the baseline; gives what does not. */
export async function returned(
  baseline: Resources,
  measureNow: () => Promise<Resources>,
  allowance: Allowance = {},
): Promise<Violation[]> {
  let found: Violation[] = [];
  const ask = async (): Promise<void> => {
    found = compare(baseline, await measureNow(), allowance);
    if (found.length > 0) throw new Error('Not there yet');
  };
  await eventually(ask, allowance.withinMs ?? 15_000).catch(() => undefined);
  return found;
}

/** What has grown by more than it may. A process or database without a baseline counts from nothing. */
export function compare(baseline: Resources, now: Resources, allowance: Allowance = {}): Violation[] {
  const { memory = 64, handles = 12, connections = 2 } = allowance;
  const grown = (what: string, before: number, after: number, limit: number): Violation[] =>
    after - before > limit ? violation('I10', `${what} went from ${before} to ${after}`) : [];
  const inProcesses = Object.entries(now.processes).flatMap(([name, held]) => {
    const before = baseline.processes[name] ?? { memory: 0, handles: 0, threads: 0 };
    return [
      ...grown(`memory of ${name} (MiB)`, before.memory, held.memory, memory),
      ...grown(`open files of ${name}`, before.handles, held.handles, handles),
      ...grown(`threads of ${name}`, before.threads, held.threads, handles),
    ];
  });
  const inDatabases = Object.entries(now.connections).flatMap(([name, count]) =>
    grown(`connections to ${name}`, baseline.connections[name] ?? 0, count, connections),
  );
  return [...inProcesses, ...inDatabases];
}

/** Of one process now. @throws Error when there is no such process */
export function heldBy(pid: number): Held {
  if (process.platform !== 'linux') {
    const kilobytes = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
    return { memory: Math.round(kilobytes / 1024), handles: 0, threads: 0 };
  }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    memory: Math.round(field('VmRSS') / 1024),
    handles: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
  };
}
