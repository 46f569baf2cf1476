import type { UnusedPermits } from './permit-store.ts';

/** Permits that the database has counted for one second of its clock, good until that second ends. */
export interface Lease {
  second: number;
  /** On the clock of those who call. */
  ends: number;
  left: number;
}

/** The leases one gateway has of one token. */
export class Leases {
  /** When the last lease there ever was ends. */
  lastEnd = 0;
  private leases: Lease[] = [];
  private ended: UnusedPermits[] = [];
  private returning: UnusedPermits[] = [];

  add(lease: Lease): void {
    this.lastEnd = Math.max(this.lastEnd, lease.ends);
    const same = this.leases.find(({ second }) => second === lease.second);
    if (same) {
      same.left += lease.left;
      same.ends = Math.min(same.ends, lease.ends);
    } else {
      this.leases.push(lease);
      this.leases.sort((a, b) => a.second - b.second);
    }
  }

  /** Uses a permit, of the nearer second first. Whether there was one. */
  use(): boolean {
    const lease = this.leases[0];
    if (!lease) return false;
    lease.left -= 1;
    if (lease.left === 0) this.leases.shift();
    return true;
  }

  /** Puts aside what can no longer be used. */
  end(now: number): void {
    if (!this.leases.some(({ ends }) => ends <= now)) return;
    for (const { second, left, ends } of this.leases) {
      if (ends <= now) this.ended.push({ second, permits: left });
    }
    this.leases = this.leases.filter(({ ends }) => ends > now);
  }

  /** Permits that can be used. */
  get usable(): number {
    return sum(this.leases.map(({ left }) => left));
  }

  /** Permits that are counted and will not be used, whether on their way back or not. */
  get unused(): number {
    return sum([...this.ended, ...this.returning].map(({ permits }) => permits));
  }

  /** Takes what is to be given back along with a question, until it is answered. */
  startReturn(): UnusedPermits[] {
    this.returning = this.ended;
    this.ended = [];
    return this.returning;
  }

  endReturn(): void {
    this.returning = [];
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
