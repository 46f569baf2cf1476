/** Of a window, in seconds; a request counts for as long. */
const WINDOW_SECONDS = 60;

/**
 * Counts requests of the last 60 s, to the second. Kept per token and per gateway process: with several replicas a
 * token may send its limit to each.
 */
export class RollingWindow {
  private readonly counts = new Uint32Array(WINDOW_SECONDS);
  private total = 0;
  private newest = 0;

  /** Counts a request unless the limit is reached. seconds: the time, on any clock that only goes forward. */
  take(limit: number, seconds: number): { allowed: boolean; remaining: number; retryAfter: number } {
    this.forget(Math.floor(seconds));
    const allowed = this.total < limit;
    if (allowed) {
      this.counts[this.newest % WINDOW_SECONDS]! += 1;
      this.total += 1;
    }
    const remaining = Math.max(0, limit - this.total);
    return { allowed, remaining, retryAfter: allowed ? 0 : this.secondsUntilOneEnds() };
  }

  private forget(now: number): void {
    const steps = Math.min(WINDOW_SECONDS, now - this.newest);
    for (let step = 1; step <= steps; step++) {
      const slot = (this.newest + step) % WINDOW_SECONDS;
      this.total -= this.counts[slot]!;
      this.counts[slot] = 0;
    }
    this.newest = Math.max(this.newest, now);
  }

  private secondsUntilOneEnds(): number {
    for (let age = WINDOW_SECONDS - 1; age > 0; age--) {
      if (this.counts[(this.newest - age + WINDOW_SECONDS) % WINDOW_SECONDS]! > 0)
        return WINDOW_SECONDS - age;
    }
    return WINDOW_SECONDS;
  }
}
