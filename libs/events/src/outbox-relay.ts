import type { Database } from '@parley/postgres';
import { BackgroundLoop, Metrics, type Logger } from '@parley/service';
import type { OutgoingEvent } from './event.ts';
import type { EventStream } from './event-stream.ts';
import { CLAIM_SECONDS, waitingOf } from './outbox.ts';
import { watchPending } from './outbox-metrics.ts';
import { purgeOutbox } from './outbox-purge.ts';
import { PublishError } from './publish-error.ts';
import { toRow, WAITING_IN_ORDER, type MoreEvent, type OutboxRow } from './outbox-row.ts';

/** Rows taken together, and so publishes in flight at once. */
const BATCH_SIZE = 500;
/** Rows held in memory at most; beyond it they wait in the table. */
const MAX_QUEUED = 10_000;
/** How often the table is asked for what this replica does not hold in memory. */
const POLL_INTERVAL_MS = 250;
/**
 * An event that NATS finds too large is not tried again before that: its limit may be raised meanwhile, and those behind it are
 * not held up by reading it again and again.
 */
const OVERSIZED_REST_SECONDS = 60;
const PURGE_INTERVAL_MS = 60_000;

export interface OutboxRelayOptions {
  database: Database;
  stream: EventStream;
  /** How long published rows are kept. */
  retentionDays: number;
  /** Default nowhere. */
  metrics?: Metrics;
  logger: Logger;
}

/**
 * Publishes outbox rows and marks them as published. Every replica runs one; a row is claimed for a while before it
 * is published, so replicas do not repeat each other's work, and a replica that dies or stops is stepped in for.
 * A row waits until the earlier rows of its subject are marked, so of a subject one row at a time is claimed, and order
 * within it holds across replicas.
 * Published rows are kept for a time, because JetStream acknowledges before it syncs its disk.
 */
export class OutboxRelay {
  private readonly database: Database;
  private readonly stream: EventStream;
  private readonly observeBatch: (events: number) => void;
  private readonly publishing: BackgroundLoop;
  private readonly polling: BackgroundLoop;
  private readonly purging: BackgroundLoop;
  private readonly queue: OutboxRow[] = [];
  /** Whether more may wait in the table than the last poll took. */
  private behind = false;

  constructor(options: OutboxRelayOptions) {
    const { database, stream, retentionDays, metrics = new Metrics(), logger } = options;
    this.database = database;
    this.stream = stream;
    this.observeBatch = metrics.batchItems('outbox_publish');
    watchPending(database, metrics);
    const purged = metrics.counter(
      'parley_outbox_purged_events_total',
      'Sent events deleted at the end of their time',
    );
    this.publishing = new BackgroundLoop({
      name: 'Event publishing',
      pauseMs: POLL_INTERVAL_MS,
      work: () => this.publishBatch(),
      logger,
    });
    this.polling = new BackgroundLoop({
      name: 'Outbox polling',
      pauseMs: POLL_INTERVAL_MS,
      work: () => this.claimBatch(),
      logger,
    });
    this.purging = new BackgroundLoop({
      name: 'Outbox purge',
      pauseMs: PURGE_INTERVAL_MS,
      work: async () => {
        await purgeOutbox(database, retentionDays, (events) => purged.inc(events));
        return false;
      },
      logger,
    });
    this.stream.onConnected(() => this.polling.wake());
  }

  start(): void {
    this.publishing.start();
    this.polling.start();
    this.purging.start();
  }

  /** Publishes what is in memory, then ends. What it cannot publish stays in the table for others. */
  async stop(): Promise<void> {
    await Promise.all([this.polling.stop(), this.purging.stop()]);
    await this.publishing.stop();
    while (await this.publishBatch().catch(() => false));
  }

  /** Whether so many rows could be published from memory now; otherwise they had better wait in the table. */
  accepts(count: number): boolean {
    return this.stream.connected && this.queue.length + count <= MAX_QUEUED;
  }

  /** Publishes the events of rows that this replica has claimed and committed. */
  publishSoon(rows: OutboxRow[]): void {
    if (rows.length === 0) return;
    this.queue.push(...rows);
    // Whoever made the change is answered first.
    setImmediate(() => setImmediate(() => this.publishing.wake()));
  }

  private async publishBatch(): Promise<boolean> {
    const batch = this.queue.splice(0, BATCH_SIZE);
    if (batch.length === 0) return false;
    if (this.behind) this.polling.wake();
    this.observeBatch(batch.reduce((sum, { events }) => sum + events.length, 0));
    const { published, left, oversized, failure } = await this.publishInTurns(batch);
    await this.markPublished(published);
    await this.release(left);
    await this.release(oversized, OVERSIZED_REST_SECONDS);
    if (failure) throw failure;
    return this.queue.length > 0;
  }

  /**
   * The first event of every row, all at once, then the second of each, and so on: each goes once the one before it is
   * stored. After a turn with a failure the rest is left: another turn may take as long again, and a claim is soon over.
   */
  private async publishInTurns(batch: OutboxRow[]): Promise<{
    published: OutboxRow[];
    left: OutboxRow[];
    oversized: OutboxRow[];
    failure: Error | undefined;
  }> {
    let failure: Error | undefined;
    let left = batch;
    const oversized = new Set<OutboxRow>();
    while (left.length > 0 && !failure) {
      const turn = left;
      const results = await Promise.allSettled(turn.map((row) => this.stream.publish(row.events[row.sent]!)));
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') turn[index]!.sent += 1;
        else if (isTooLarge(result.reason)) oversized.add(turn[index]!);
        else failure ??= result.reason as Error;
      }
      left = turn.filter((row) => !isSent(row) && !oversized.has(row));
    }
    return { published: batch.filter(isSent), left, oversized: [...oversized], failure };
  }

  private async markPublished(rows: OutboxRow[]): Promise<void> {
    if (rows.length === 0) return;
    // A mark that a crash loses is made again, with an event that the stream drops: not worth waiting for the disk. The
    // setting ends with the statement.
    await this.database.query(
      `WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
       UPDATE outbox SET published_at = clock_timestamp()
       FROM quick, unnest($1::uuid[], $2::uuid[]) AS e (tenant_id, id)
       WHERE outbox.tenant_id = e.tenant_id AND outbox.id = e.id`,
      [rows.map((row) => row.tenantId), rows.map((row) => row.id)],
    );
  }

  /** Lets polling find them at once or after so many seconds, instead of when their claims lapse. */
  private async release(rows: OutboxRow[], seconds?: number): Promise<void> {
    if (rows.length === 0) return;
    await this.database.query(
      `UPDATE outbox SET claim_ends_at = coalesce(clock_timestamp() + make_interval(secs => $4), '-infinity'),
         sent = greatest(outbox.sent, e.sent)
       FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS e (tenant_id, id, sent)
       WHERE outbox.tenant_id = e.tenant_id AND outbox.id = e.id`,
      [
        rows.map((row) => row.tenantId),
        rows.map((row) => row.id),
        rows.map((row) => row.sent),
        seconds ?? null,
      ],
    );
  }

  private async claimBatch(): Promise<boolean> {
    if (!this.stream.connected || this.queue.length >= BATCH_SIZE) return false;
    const rows = await this.database.query<
      OutgoingEvent & { more: MoreEvent[] | null; sent: number; position: string }
    >(
      `UPDATE outbox SET claim_ends_at = clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS})
       WHERE (tenant_id, id) IN (
         SELECT tenant_id, id FROM outbox o
         WHERE ${WAITING_IN_ORDER} AND claim_ends_at < clock_timestamp()
           AND (${waitingOf('o.tenant_id', 'o.subject', 'o.sequence')}) IS NULL
         ORDER BY position LIMIT ${BATCH_SIZE} FOR UPDATE SKIP LOCKED)
       RETURNING tenant_id AS "tenantId", id, type, subject, sequence, time, data::text, more, sent, position`,
    );
    rows.sort((a, b) => Number(a.position) - Number(b.position));
    this.publishSoon(rows.map((row) => toRow(row, row.more ?? [], row.sent)));
    this.behind = rows.length === BATCH_SIZE;
    return this.behind;
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof PublishError && error.reason === 'too_large';
}

function isSent({ sent, events }: OutboxRow): boolean {
  return sent === events.length;
}
