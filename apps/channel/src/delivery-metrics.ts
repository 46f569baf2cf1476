import type { Database } from '@parley/postgres';
import type { Lag, Metrics } from '@parley/service';
import { FIRST_OF_SESSION, PENDING_BY_DUE } from './delivery-rows.ts';
import type { SendOutcome } from './send-outcome.ts';

/** Up to here waiting messages are counted. */
const MAX_COUNTED = 10_000;
const KINDS = ['webhook', 'whatsapp'];

export interface DeliveryMetrics {
  attempted: (channel: string, result: SendOutcome['result']) => void;
}

export function deliveryMetrics(database: Database, metrics: Metrics): DeliveryMetrics {
  const attempts = metrics.counter(
    'parley_delivery_attempts_total',
    'Attempts to send a message, by channel and what came of them',
    ['channel', 'result'],
  );
  metrics.gauge(
    'parley_deliveries_pending',
    `Messages to be sent or sent again, of all replicas; ${MAX_COUNTED + 1} stands for more than ${MAX_COUNTED}`,
    async () => {
      const [row] = await database.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM (
           SELECT FROM deliveries WHERE ${PENDING_BY_DUE} ORDER BY due_at LIMIT ${MAX_COUNTED + 1}) AS pending`,
      );
      return row?.count;
    },
  );
  return {
    attempted: (channel, result) =>
      attempts.inc({ channel: KINDS.includes(channel) ? channel : 'other', result }),
  };
}

/** How long the message that is most overdue should have been sent ago. One that waits for another of its session is not due. */
export function deliveryLag(database: Database, limitSeconds: number): Lag {
  return {
    part: 'deliveries',
    metric: 'parley_delivery_lag_seconds',
    help: 'How long ago the most overdue message should have been sent; 0 when none is due',
    limitSeconds,
    read: async () => {
      const [row] = await database.query<{ seconds: number }>(
        `SELECT extract(epoch FROM clock_timestamp() - due_at)::float8 AS seconds FROM deliveries d
         WHERE ${PENDING_BY_DUE} AND due_at <= statement_timestamp() AND ${FIRST_OF_SESSION}
         ORDER BY due_at LIMIT 1`,
      );
      return row?.seconds ?? 0;
    },
  };
}
