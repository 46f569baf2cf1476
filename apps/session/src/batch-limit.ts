/**
 * How many rows a sweep takes at once: half as many after a failure, so that what fails for its size gets smaller, and twice as
 * many again after each success.
 */
export class BatchLimit {
  private readonly max: number;
  private current: number;

  constructor(max: number) {
    this.max = max;
    this.current = max;
  }

  get rows(): number {
    return this.current;
  }

  succeeded(): void {
    this.current = Math.min(this.max, this.current * 2);
  }

  /** size: how many there were. */
  failed(size: number): void {
    this.current = Math.max(1, Math.floor(size / 2));
  }
}
