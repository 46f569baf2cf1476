/** Requests under way at once, in one replica. */
const MAX_CALLS = 100;
/** Of one tenant to one host. */
const MAX_OF_HOST = 16;

/** Whom a request is of, and where it goes. */
export interface Call {
  tenantId: string;
  host: string;
}

/**
 * The places for requests under way. A tenant has at most as many as are left for the others, and a host at most as many as are
 * then left for the tenant's other hosts: however many are taken by hosts that do not answer, the next host and the next tenant
 * find some.
 */
export class CallPlaces {
  private readonly counts = new Map<string, number>();
  private taken = 0;

  /** Takes a place, if there is one. */
  take({ tenantId, host }: Call): boolean {
    const left = MAX_CALLS - this.taken;
    const leftOfTenant = left - this.countOf(tenantId);
    if (this.countOf(hostKey(tenantId, host)) >= Math.min(MAX_OF_HOST, leftOfTenant)) return false;
    this.add({ tenantId, host }, 1);
    return true;
  }

  /** Gives back a place that was taken. */
  leave(call: Call): void {
    this.add(call, -1);
  }

  private add({ tenantId, host }: Call, change: 1 | -1): void {
    this.taken += change;
    for (const key of [tenantId, hostKey(tenantId, host)]) {
      const count = this.countOf(key) + change;
      if (count === 0) this.counts.delete(key);
      else this.counts.set(key, count);
    }
  }

  private countOf(key: string): number {
    return this.counts.get(key) ?? 0;
  }
}

function hostKey(tenantId: string, host: string): string {
  return `${tenantId} ${host}`;
}
