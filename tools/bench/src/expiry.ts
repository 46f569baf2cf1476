import { setTimeout as sleep } from 'node:timers/promises';
import { pollUntil } from '@parley/local-servers';
import { loadContacts, loadSessions, onDatabase } from './bulk-rows.ts';
import { eventsOf } from './check.ts';
import type { Meter } from './measure.ts';
import { cpuOf } from './processes.ts';
import type { Parley } from './systems/parley.ts';

export interface Expiry {
  due: number;
  /** From the moment the first are due to the last one's event in the stream. */
  drainSeconds: number;
  /** Starts a second before, and while they were drained. */
  rateBefore: number;
  rateDuring: number;
  p99Before: number;
  p99During: number;
  notDue: number;
  /** CPU of the session replicas and of Postgres, in percent of one core, while nothing happens. */
  idleWithNone: IdleCost;
  idleWithMany: IdleCost;
}

export interface IdleCost {
  sessions: number;
  postgres: number;
}

const DUE = 100_000;
const NOT_DUE = 1_000_000;
/** Enough to store the due ones before they are. */
const UNTIL_DUE_SECONDS = 45;
const LOAD_SECONDS = 20;
/** The load begins so long before, with a second of warm-up. */
const LEAD_SECONDS = 4;
const DRAIN_TIMEOUT_MS = 120_000;
const IDLE_SECONDS = 10;
/** For what storing left to do. */
const CALM_SECONDS = 5;

/** What sessions that are due cost those that start, and what those that are not due cost anyone. */
export async function measureExpiry(
  parley: Parley,
  connections: number,
  meter: Meter,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Expiry> {
  const { databases, tenant_id: tenant } = parley.stack;
  await loadContacts(databases.contact, tenant, DUE);
  const idleWithNone = await idleCost(parley, signal);
  log(`expiry: ${costOf(idleWithNone)} while idle without sessions`);

  await meter.warmUp(parley, connections);
  const what = { workload: 'phone', connections, seconds: LOAD_SECONDS } as const;
  const before = await meter.measure(parley, what);
  log(`expiry: ${Math.round(before.rate)} starts/s before`);

  const due = new Date(Date.now() + UNTIL_DUE_SECONDS * 1_000);
  // Spread over one second, as the rows of one statement are spread by their numbers.
  const expiresAt = `timestamptz '${due.toISOString()}' + n % 1000 * interval '1 millisecond'`;
  await loadSessions(
    databases.session,
    tenant,
    { count: DUE, flow: 3, status: 'running', expiresAt },
    signal,
  );
  if (Date.now() > due.getTime() - LEAD_SECONDS * 1_000)
    throw new Error('Storing the sessions that are due took too long');
  log(`expiry: ${DUE} sessions stored, due within one second from ${due.toISOString()}`);
  await sleep(due.getTime() - Date.now() - LEAD_SECONDS * 1_000, undefined, { signal });
  const [during, drained] = await Promise.all([meter.measure(parley, what), drainedAt(parley, due, signal)]);
  const drainSeconds = (drained.getTime() - due.getTime()) / 1_000;
  const loadEnds = due.getTime() + (LOAD_SECONDS - LEAD_SECONDS) * 1_000;
  const rateDuring = await startsBetween(parley, due, new Date(Math.min(drained.getTime(), loadEnds)));
  log(`expiry: drained after ${drainSeconds.toFixed(1)} s, ${Math.round(rateDuring)} starts/s meanwhile`);

  log(`expiry: storing ${NOT_DUE} sessions that are not due`);
  const later = "now() + interval '7 days'";
  const many = { count: NOT_DUE, flow: 4, status: 'running', expiresAt: later } as const;
  await loadSessions(databases.session, tenant, many, signal);
  await parley.checkpoint();
  const idleWithMany = await idleCost(parley, signal);
  log(`expiry: ${costOf(idleWithMany)} while idle with them`);
  return {
    due: DUE,
    drainSeconds,
    rateBefore: before.rate,
    rateDuring,
    p99Before: before.p99,
    p99During: during.p99,
    notDue: NOT_DUE,
    idleWithNone,
    idleWithMany,
  };
}

async function idleCost(parley: Parley, signal: AbortSignal): Promise<IdleCost> {
  await sleep(CALM_SECONDS * 1_000, undefined, { signal });
  const processes = parley.processes();
  const before = processes.map(cpuOf);
  await sleep(IDLE_SECONDS * 1_000, undefined, { signal });
  const percentOf = (name: RegExp): number =>
    processes.reduce((sum, process, index) => {
      if (!name.test(process.name)) return sum;
      return sum + (cpuOf(process) - (before[index] as number)) / (IDLE_SECONDS * 10);
    }, 0);
  return { sessions: percentOf(/^session/), postgres: percentOf(/^postgres$/) };
}

/** When all that were due have ended and their events are in the stream. */
async function drainedAt(parley: Parley, due: Date, signal: AbortSignal): Promise<Date> {
  await sleep(Math.max(0, due.getTime() - Date.now()), undefined, { signal });
  const drained = await pollUntil(
    async () => ((await eventsOf(parley.stack.nats, 'session.expired')) >= DUE ? new Date() : undefined),
    { timeoutMs: DRAIN_TIMEOUT_MS, everyMs: 100, signal },
  );
  if (drained === undefined) throw new Error('The sessions that were due were not drained within 120 s');
  return drained;
}

async function startsBetween(parley: Parley, from: Date, to: Date): Promise<number> {
  const { rows } = await onDatabase(parley.stack.databases.session, (client) =>
    client.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM sessions WHERE created_at >= $1 AND created_at < $2',
      [from, to],
    ),
  );
  return (rows[0]?.n ?? 0) / ((to.getTime() - from.getTime()) / 1_000);
}

function costOf({ sessions, postgres }: IdleCost): string {
  return `session replicas use ${sessions.toFixed(1)} % and Postgres ${postgres.toFixed(1)} % of a core`;
}
