import type { Database } from '@parley/postgres';
import { EVENTS_OF_ROW } from './outbox-row.ts';

const BATCH_SIZE = 5_000;

/**
 * Deletes the rows that were published longer ago than the days given, a batch in each statement; calls onBatch with
 * how many events those held. It goes by position, the order rows were written in, from the oldest to the first batch
 * that ends with an event too young to have been published so long ago. So it reads what it deletes and one batch more,
 * whatever the table holds; rows that a statement has seen and locked stay where they are, so it finds them again by
 * ctid. Several replicas may do it at once; each passes over what another has in hand.
 */
export async function purgeOutbox(
  database: Database,
  retentionDays: number,
  onBatch: (events: number) => void = () => undefined,
): Promise<void> {
  for (let after = '0'; ;) {
    const [batch] = await database.query<{ seen: number; last: string; old: boolean; purged: number }>(
      `WITH clock AS MATERIALIZED (SELECT clock_timestamp() - make_interval(days => $2) AS since),
       oldest AS MATERIALIZED (
         SELECT ctid, position, time, published_at FROM outbox
         WHERE position > $1 ORDER BY position LIMIT ${BATCH_SIZE}),
       due AS MATERIALIZED (
         SELECT ctid FROM outbox
         WHERE ctid = ANY (ARRAY (SELECT oldest.ctid FROM oldest, clock WHERE published_at < since))
         FOR UPDATE SKIP LOCKED),
       purged AS (DELETE FROM outbox USING due WHERE outbox.ctid = due.ctid RETURNING ${EVENTS_OF_ROW} AS events)
       SELECT (SELECT count(*)::int FROM oldest) AS seen, position AS last, time < since AS old,
              (SELECT coalesce(sum(events), 0)::int FROM purged) AS purged
       FROM oldest, clock ORDER BY position DESC LIMIT 1`,
      [after, retentionDays],
    );
    if (!batch) return;
    if (batch.purged > 0) onBatch(batch.purged);
    if (batch.seen < BATCH_SIZE || !batch.old) return;
    after = batch.last;
  }
}
