import { setTimeout as sleep } from 'node:timers/promises';
import type { Outbox } from '@parley/events';
import type { Database } from '@parley/postgres';
import { BackgroundLoop, type Logger } from '@parley/service';
import { clearError, disable, noteError } from './channel-rows.ts';
import type { DeliveryMetrics } from './delivery-metrics.ts';
import {
  leaseDue,
  markDelivered,
  markFailed,
  markSent,
  putBack,
  type LeasedDelivery,
} from './delivery-rows.ts';
import type { MessageSender } from './message-sender.ts';
import type { SendOutcome } from './send-outcome.ts';

export interface DeliveryWorkerOptions {
  database: Database;
  outbox: Outbox;
  sender: MessageSender;
  /** How long after each failed attempt the next one comes; after the last the message is given up. */
  retrySeconds: number[];
  metrics: DeliveryMetrics;
  logger: Logger;
}

/** How often the table is asked for what no message of this replica's woke it for. */
const INTERVAL_MS = 250;
const MAX_IN_FLIGHT = 64;
const MAX_IN_FLIGHT_PER_TENANT = 16;
const BATCH_SIZE = 16;
/** Pauses are up to a tenth shorter or longer, so that messages that failed together do not come back together. */
const JITTER = 0.1;
const POSTPONED_SECONDS = 2;
/** What is under way when the service stops may take this long, of the 9 s for all of its drain. */
const DRAIN_LIMIT_MS = 4_000;

/**
 * Sends messages that are due. Runs in every replica: each takes rows the others have not locked and holds them by a lease
 * while it sends them. One whose process died, or that lost the database after sending, is sent again when its lease is
 * over, with the same id.
 */
export class DeliveryWorker {
  private readonly options: DeliveryWorkerOptions;
  private readonly loop: BackgroundLoop;
  private readonly stopping = new AbortController();
  /** What is being sent, and whose it is. */
  private readonly inFlight = new Map<Promise<void>, string>();

  constructor(options: DeliveryWorkerOptions) {
    this.options = options;
    this.loop = new BackgroundLoop({
      name: 'Delivery',
      pauseMs: INTERVAL_MS,
      work: () => this.sendBatch(),
      logger: options.logger,
    });
  }

  start(): void {
    this.loop.start();
  }

  /** There may be something new to send. */
  wake(): void {
    this.loop.wake();
  }

  /** Takes nothing more and finishes what is being sent. */
  async stop(): Promise<void> {
    await this.loop.stop();
    const finished = Promise.all(this.inFlight.keys());
    const limit = new AbortController();
    const late = sleep(DRAIN_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([finished, late]);
    limit.abort();
    this.stopping.abort();
    await finished;
  }

  private async sendBatch(): Promise<boolean> {
    const room = Math.min(BATCH_SIZE, MAX_IN_FLIGHT - this.inFlight.size);
    if (room <= 0) return false;
    const share = this.shareOfTenant();
    const underWay = this.underWay();
    const due = await leaseDue(this.options.database, room, share, underWay);
    for (const delivery of due) {
      const work = this.attempt(delivery).finally(() => {
        this.inFlight.delete(work);
        // The next message of its session may be waiting for it.
        this.loop.wake();
      });
      this.inFlight.set(work, delivery.tenantId);
    }
    // A tenant that now has its share may have kept others out of the batch: the next one passes it over.
    return due.length === room || busyOf(this.underWay(), this.shareOfTenant()) > busyOf(underWay, share);
  }

  /** How many one tenant may have under way: never more than are left. Webhooks that hang leave room for the next tenant. */
  private shareOfTenant(): number {
    return Math.min(MAX_IN_FLIGHT_PER_TENANT, Math.ceil((MAX_IN_FLIGHT - this.inFlight.size) / 2));
  }

  /** How many are being sent, by tenant. */
  private underWay(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const tenantId of this.inFlight.values()) counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
    return counts;
  }

  /** Never fails: what cannot be written down comes again when the lease is over. */
  private async attempt(delivery: LeasedDelivery): Promise<void> {
    const { sender, logger, metrics } = this.options;
    try {
      const outcome = await sender.send(delivery, this.stopping.signal);
      metrics.attempted(delivery.channel, outcome.result);
      await this.settle(delivery, outcome);
    } catch (error) {
      const { tenantId, id } = delivery;
      logger.error('An attempt to send a message failed', { tenant_id: tenantId, delivery: id, error });
    }
  }

  private async settle(delivery: LeasedDelivery, outcome: SendOutcome): Promise<void> {
    const { database, outbox, retrySeconds } = this.options;
    const { tenantId, channel, route, attempt } = delivery;
    switch (outcome.result) {
      case 'delivered':
        await markDelivered(outbox, delivery);
        if (route?.hasError) await clearError(database, tenantId, channel);
        return;
      case 'sent':
        await markSent(database, delivery, outcome.providerMessageId);
        if (route?.hasError) await clearError(database, tenantId, channel);
        return;
      case 'postponed':
        return putBack(database, delivery, outcome.failure, POSTPONED_SECONDS, false);
      case 'failed':
        await markFailed(outbox, delivery, outcome.failure);
        if (outcome.disables && route) await disable(database, tenantId, route, outcome.failure);
        return;
      case 'retry': {
        if (outcome.channelError) await noteError(database, tenantId, channel, outcome.channelError);
        const pause = retrySeconds[attempt - 1];
        if (pause === undefined) return markFailed(outbox, delivery, outcome.failure);
        const seconds = Math.max(
          outcome.afterSeconds ?? 0,
          pause * (1 - JITTER + 2 * JITTER * Math.random()),
        );
        return putBack(database, delivery, outcome.failure, seconds, true);
      }
    }
  }
}

/** How many tenants have their share. */
const busyOf = (underWay: Map<string, number>, share: number): number =>
  [...underWay.values()].filter((count) => count >= share).length;
