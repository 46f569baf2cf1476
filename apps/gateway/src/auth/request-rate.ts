/** How many requests a second brings, by this second and the one before. */
export class RequestRate {
  private since = 0;
  private count = 0;
  private before = 0;

  /** now: in milliseconds. */
  add(now: number): void {
    const age = now - this.since;
    if (age >= 1_000) {
      this.before = age < 2_000 ? this.count : 0;
      this.count = 0;
      this.since = now;
    }
    this.count += 1;
  }

  /** Those of the busier one of the two seconds. */
  get perSecond(): number {
    return Math.max(this.count, this.before);
  }
}
