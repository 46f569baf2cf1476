import type { Database } from '@parley/postgres';
import type { Lag, Metrics } from '@parley/service';
import { EVENTS_OF_ROW, WAITING_IN_ORDER } from './outbox-row.ts';

/** Pending events above this many are counted as one more, so that asking costs the same on any day. */
export const MAX_COUNTED = 10_000;

/** How many events are committed and not yet sent, and since how many seconds the oldest is: one bounded count of an index. */
export async function readPending(database: Database): Promise<{ events: number; oldest: number | null }> {
  const [pending] = await database.query<{ events: number; oldest: number | null }>(
    `SELECT least(coalesce(sum(${EVENTS_OF_ROW} - sent), 0), ${MAX_COUNTED + 1})::int AS events,
            extract(epoch FROM clock_timestamp() - min(time))::float8 AS oldest
     FROM (SELECT time, more, sent FROM outbox WHERE ${WAITING_IN_ORDER} ORDER BY position LIMIT ${MAX_COUNTED + 1}) AS waiting`,
  );
  return pending!;
}

/** The gauge of an outbox's pending events. */
export function watchPending(database: Database, metrics: Metrics): void {
  metrics.gauge(
    'parley_outbox_pending_events',
    `Events committed and not yet sent, of all replicas; ${MAX_COUNTED + 1} stands for more than ${MAX_COUNTED}`,
    async () => (await readPending(database)).events,
  );
}

/** How old the oldest event is that was committed and not yet sent. */
export function eventLag(database: Database, limitSeconds: number): Lag {
  return {
    part: 'events',
    metric: 'parley_outbox_oldest_unsent_seconds',
    help: 'Age of the oldest event committed and not yet sent, of all replicas; 0 when there is none',
    limitSeconds,
    read: async () => {
      const [row] = await database.query<{ seconds: number }>(
        `SELECT extract(epoch FROM clock_timestamp() - time)::float8 AS seconds
         FROM outbox WHERE ${WAITING_IN_ORDER} ORDER BY position LIMIT 1`,
      );
      return Math.max(0, row?.seconds ?? 0);
    },
  };
}
