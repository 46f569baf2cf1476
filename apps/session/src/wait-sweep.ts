import { DomainError } from '@parley/errors';
import type { Database } from '@parley/postgres';
import { BackgroundLoop, type Logger, type WorkingTime } from '@parley/service';
import { BatchLimit } from './batch-limit.ts';
import { versionKey, type SessionRunner } from './session-runner.ts';
import { findDueWaits, type DueWait } from './waiting-sessions.ts';

/** How often the table is asked. */
const INTERVAL_MS = 250;
/** Sessions run on by one transaction, at most. */
const MAX_BATCH = 200;
/** Due sessions looked at for one batch while some are passed over. */
const MAX_READ = 2_000;
/** How long sessions are passed over whose version cannot be had, and one that took too long by itself. */
const AWAY_MS = 5_000;
/** How long one is passed over that failed by itself. */
const FAULTY_MS = 60_000;
/** How long a tenant is passed over that has had its share of the time. */
const USED_UP_MS = 1_000;

/**
 * Runs on the sessions whose wait is over: a question's timeout, a delay. Runs in every replica, as the sweep of expired
 * sessions does: each takes rows the others have not locked.
 *
 * What cannot be run on holds up nobody. It goes through the due sessions in the order of their times, a batch for each
 * transaction, and begins anew behind the last. Versions that cannot be had are passed over for a while, and so are tenants whose
 * flows take too long; a batch that fails is halved, down to the session at fault, which is passed over, too.
 */
export class WaitSweep {
  private readonly database: Database;
  private readonly runner: SessionRunner;
  private readonly time: WorkingTime;
  private readonly loop: BackgroundLoop;
  private readonly limit = new BatchLimit(MAX_BATCH);
  /** The last session of the batch before; undefined: the next one begins with the first that is due. */
  private after: DueWait | undefined;
  /** Keys of versions, ids of sessions and of tenants, and until when each is passed over. */
  private readonly passedOver = new Map<string, number>();

  constructor(database: Database, runner: SessionRunner, time: WorkingTime, logger: Logger) {
    this.database = database;
    this.runner = runner;
    this.time = time;
    this.loop = new BackgroundLoop({
      name: 'Wait sweep',
      pauseMs: INTERVAL_MS,
      work: () => this.runBatch(),
      logger,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
  }

  private async runBatch(): Promise<boolean> {
    const now = performance.now();
    for (const [key, until] of this.passedOver) if (until <= now) this.passedOver.delete(key);
    const { rows } = this.limit;
    const reading = this.passedOver.size > 0 ? MAX_READ : rows;
    const due = await findDueWaits(this.database, reading, this.after);
    const batch = due.filter((session) => !this.passesOver(session)).slice(0, rows);
    const { ran, left } = await this.run(batch);
    // The next batch begins with them: what ran is not due any more.
    if (left > 0) return ran > 0;
    if (batch.length === rows) this.after = batch.at(-1);
    else this.after = due.length === reading ? due.at(-1) : undefined;
    return this.after !== undefined && ran > 0;
  }

  /** Gives how many ran on, and how many have not had their turn. */
  private async run(batch: DueWait[]): Promise<{ ran: number; left: number }> {
    if (batch.length === 0) return { ran: 0, left: 0 };
    try {
      const { lacking, left } = await this.runner.runOn(batch);
      for (const session of lacking) this.passOver(versionKey(session), AWAY_MS);
      for (const { tenantId } of left) if (this.time.isUsedUp(tenantId)) this.passOver(tenantId, USED_UP_MS);
      this.limit.succeeded();
      return { ran: batch.length - lacking.length - left.length, left: left.length };
    } catch (error) {
      this.limit.failed(batch.length);
      const isAway = error instanceof DomainError && error.kind === 'unavailable';
      if (batch.length === 1) this.passOver(batch[0]!.id, isAway ? AWAY_MS : FAULTY_MS);
      throw error;
    }
  }

  private passesOver(session: DueWait): boolean {
    const keys = [versionKey(session), session.id, session.tenantId];
    return keys.some((key) => this.passedOver.has(key));
  }

  private passOver(key: string, ms: number): void {
    this.passedOver.set(key, performance.now() + ms);
  }
}
