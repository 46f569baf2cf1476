import { setTimeout } from 'node:timers/promises';
import type { Outbox } from '@parley/events';
import { BackgroundLoop, type Logger, type Metrics } from '@parley/service';
import { BatchLimit } from './batch-limit.ts';
import { sweepMetrics } from './session-metrics.ts';
import { expireDue, type EndedSession } from './session-rows.ts';

/** How often the table is asked; P5 allows 2 s. */
const INTERVAL_MS = 250;
const MAX_BATCH = 500;
/**
 * After a full batch, before the next: thousands that are due at once leave room for those that start (a third more starts,
 * measured). With it a replica ends 20,000 a second at most, and P5 holds for what its replicas can end within 2 s.
 */
const REST_MS = 25;

/**
 * Ends sessions on time, without traffic. Runs in every replica: each takes due rows the others have not locked, so
 * a session is expired once, and rows that fell due while no replica ran are taken by the first that does.
 */
export class SessionExpirer {
  private readonly loop: BackgroundLoop;

  constructor(outbox: Outbox, metrics: Metrics, logger: Logger) {
    const observe = sweepMetrics(metrics);
    const limit = new BatchLimit(MAX_BATCH);
    this.loop = new BackgroundLoop({
      name: 'Session expirer',
      pauseMs: INTERVAL_MS,
      work: () => expireBatch(outbox, limit, observe),
      logger,
    });
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
  }
}

async function expireBatch(
  outbox: Outbox,
  limit: BatchLimit,
  observe: (expired: EndedSession[]) => void,
): Promise<boolean> {
  const { rows } = limit;
  const expired = await expireDue(outbox, rows).catch((error: unknown) => {
    limit.failed(rows);
    throw error;
  });
  limit.succeeded();
  observe(expired);
  if (expired.length < rows) return false;
  await setTimeout(REST_MS);
  return true;
}
