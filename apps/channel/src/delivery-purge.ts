import type { Database } from '@parley/postgres';
import { BackgroundLoop, type Logger } from '@parley/service';

const INTERVAL_MS = 60_000;
const BATCH_SIZE = 1_000;

/** Deletes deliveries that are done, with their texts, at the end of their time. */
export function deliveryPurge(database: Database, retentionDays: number, logger: Logger): BackgroundLoop {
  return new BackgroundLoop({
    name: 'Delivery purge',
    pauseMs: INTERVAL_MS,
    logger,
    work: async () => {
      const rows = await database.query(
        `DELETE FROM deliveries WHERE (tenant_id, id) IN (
           SELECT tenant_id, id FROM deliveries
           WHERE status <> 'pending' AND updated_at < statement_timestamp() - make_interval(days => $1)
           ORDER BY updated_at LIMIT ${BATCH_SIZE} FOR UPDATE SKIP LOCKED)
         RETURNING 1`,
        [retentionDays],
      );
      return rows.length === BATCH_SIZE;
    },
  });
}
