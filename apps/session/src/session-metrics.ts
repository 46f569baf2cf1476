import type { Database } from '@parley/postgres';
import type { Lag, Metrics } from '@parley/service';
import { RUNNING_BY_DUE } from './session-rows.ts';

/** Up to here running sessions are counted; what is more is estimated. */
const MAX_COUNTED = 10_000;
/** Lateness of a swept session; P5 allows 2 s. */
const LATENESS_SECONDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];

/**
 * The gauge of running sessions. A count of a million takes a tenth of a second and more, on each replica, so it stops
 * at 10 001; above that the planner's estimate is given, which costs no reading of the table. It is as good as the
 * table's statistics, which Postgres renews when a tenth of the rows has changed.
 */
export function watchRunningSessions(database: Database, metrics: Metrics): void {
  metrics.gauge(
    'parley_sessions_running',
    `Sessions running, of all replicas: exact up to ${MAX_COUNTED}, above it the planner's estimate`,
    async () => {
      const counted = await countRunning(database);
      return counted <= MAX_COUNTED ? counted : Math.max(counted, await estimateRunning(database));
    },
  );
}

/** Ordered, so that the index of due times is read and never the table, where ended sessions would come first. */
async function countRunning(database: Database): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (
       SELECT FROM sessions WHERE ${RUNNING_BY_DUE} AND due_at > statement_timestamp()
       ORDER BY due_at LIMIT ${MAX_COUNTED + 1}) AS running`,
  );
  return row?.count ?? 0;
}

async function estimateRunning(database: Database): Promise<number> {
  const [row] = await database.query<{ 'QUERY PLAN': { Plan: { 'Plan Rows': number } }[] }>(
    `EXPLAIN (FORMAT JSON) SELECT FROM sessions WHERE status = 'running'`,
  );
  return row?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0;
}

/** How far the most overdue session is past its time: what the sweepers of all replicas together are behind. */
export function expiryLag(database: Database, limitSeconds: number): Lag {
  return {
    part: 'expiry',
    metric: 'parley_session_expiry_lag_seconds',
    help: 'How long ago the most overdue running session should have expired or run on; 0 when none is due',
    limitSeconds,
    read: async () => {
      const [row] = await database.query<{ seconds: number }>(
        `SELECT extract(epoch FROM clock_timestamp() - due_at)::float8 AS seconds
         FROM sessions WHERE ${RUNNING_BY_DUE} AND due_at <= statement_timestamp()
         ORDER BY due_at LIMIT 1`,
      );
      return row?.seconds ?? 0;
    },
  };
}

/** Tells of each sweep: how many sessions it ended, and how late each. */
export function sweepMetrics(metrics: Metrics): (sessions: { endedAt: Date; endedNow: Date }[]) => void {
  const observeBatch = metrics.batchItems('expiry_sweep');
  const lateness = metrics.durations(
    'parley_session_expiry_lateness_seconds',
    'How long after its time each session was expired that the sweeper ended',
    [],
    LATENESS_SECONDS,
  );
  return (sessions) => {
    if (sessions.length > 0) observeBatch(sessions.length);
    for (const { endedAt, endedNow } of sessions) {
      lateness.observe((endedNow.getTime() - endedAt.getTime()) / 1_000);
    }
  };
}
