/**
 * Characters that a sprint may read and write in templates and comparisons, so that no flow holds up the process it runs in:
 * the slowest of it takes about 0.2 s for as many. What takes longer than reading a character counts as so many more, see
 * COST. A hundred messages as long as they may be, full of values, count a quarter of it.
 */
const MAX_EFFORT = 20_000_000;

/** What work counts as, in characters read. Measured with the worst of each kind; publishing and the context bound the rest. */
export const COST = {
  /** A character that is written in the other case: some take twenty times as long as `a`. */
  casing: 3,
  /** A character of a list or an object written as JSON: with thousands of keys it takes ten times as long as escaping. */
  writing: 4,
  /** The same, where a changed context is measured. */
  measuring: 2,
  /** A key of an object that is copied. */
  copiedKey: 100,
  /** A key of an object that is counted. */
  countedKey: 15,
  /** An element of a list that is compared, beside its characters. */
  element: 10,
  /** A text that is read as a time, to be compared with one. */
  time: 300,
  /** How many characters of a sought text make each character searched count once more. */
  soughtPerCharacter: 32,
  /** A character that a pattern is tried on … */
  matching: 20,
  /** … or so much for each instruction of the pattern's program, if that is more. */
  instruction: 2,
} as const;

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
