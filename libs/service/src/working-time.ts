import { setImmediate } from 'node:timers/promises';
import { unavailable } from '@parley/errors';

/** Of a process's time a tenant may have … */
const SHARE = 0.5;
/** … and this much more at once. */
const BURST_MS = 1_000;

export interface WorkingTimeOptions {
  /** Pieces of work that take no longer count for nothing, where there is much of them. Default 0. */
  uncountedMs?: number;
  /** A clock in ms. */
  now?: () => number;
}

/**
 * Shares out the time of a process among its tenants. All work runs on one thread; a tenant whose flows are built to take long
 * may have half of it, one piece for each turn of the loop, and is refused for a while when it has had that, so that the others
 * go on.
 */
export class WorkingTime {
  private readonly uncountedMs: number;
  private readonly now: () => number;
  /** By tenant, when what it has had will have been its share. */
  private readonly paidAt = new Map<string, number>();
  private lastTurn: Promise<unknown> = Promise.resolve();

  constructor({ uncountedMs = 0, now = () => performance.now() }: WorkingTimeOptions = {}) {
    this.uncountedMs = uncountedMs;
    this.now = now;
  }

  /**
   * Does a piece of work for a tenant.
   * @throws DomainError unavailable when the tenant has had its share
   */
  use<T>(tenantId: string, work: () => T): T {
    const begun = this.now();
    if (this.isUsedUp(tenantId, begun)) throw unavailable('The flows of this tenant take too long to run');
    try {
      return work();
    } finally {
      const end = this.now();
      const took = end - begun;
      if (took > this.uncountedMs) {
        this.paidAt.set(tenantId, Math.max(this.paidAt.get(tenantId) ?? 0, begun) + took / SHARE);
        this.forget(end);
      }
    }
  }

  /** Whether the next piece of work of a tenant should await its turn: it has had long ones of late. */
  owes(tenantId: string): boolean {
    const paidAt = this.paidAt.get(tenantId);
    return paidAt !== undefined && paidAt > this.now();
  }

  /** Resolves for one caller in each turn of the loop, in the order in which they asked. */
  turn(): Promise<unknown> {
    this.lastTurn = this.lastTurn.then(() => setImmediate());
    return this.lastTurn;
  }

  /** Whether a tenant has had its share. */
  isUsedUp(tenantId: string, now = this.now()): boolean {
    const paidAt = this.paidAt.get(tenantId);
    return paidAt !== undefined && paidAt - now > BURST_MS / SHARE;
  }

  private forget(now: number): void {
    for (const [tenantId, paidAt] of this.paidAt) if (paidAt <= now) this.paidAt.delete(tenantId);
  }
}
