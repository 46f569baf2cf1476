/**
 * Characters that a sprint may read and write in templates and comparisons, so that no flow holds up the process it runs in:
 * the slowest of it, escaping JSON, takes about 0.1 s for as many. A
 * hundred messages as long as they may be, full of values, count a quarter of it.
 */
const MAX_EFFORT = 20_000_000;

/** What a sprint has done so far. It is counted, not timed: so the same sprint always ends the same. */
export class Effort {
  private spent = 0;

  get isOver(): boolean {
    return this.spent > MAX_EFFORT;
  }

  spend(characters: number): void {
    this.spent += characters;
  }
}
