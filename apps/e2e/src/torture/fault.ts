import type { Violation } from '../checker.ts';

/** One fault of docs/guarantees.md in its long form. The runner finds it as the export `fault` of torture/fault-NN.ts. */
export interface Fault {
  /** As in docs/guarantees.md. */
  number: number;
  /** A line that says what is done to whom. */
  title: string;
  run(context: TortureContext): Promise<Findings>;
}

/** What a fault is given. Everything it leaves to chance comes from `random`, so that a seed repeats it. */
export interface TortureContext {
  random: Random;
  /** Prints a line of progress. */
  log: (line: string) => void;
}

/** What a fault gives back. It throws when it could not be tried. */
export interface Findings {
  /** Calls by kind and outcome, as History.counts gives them. */
  calls: Record<string, number>;
  violations: Violation[];
  /** What was measured, for the report: { 'recovered after (ms)': 1200 }. */
  measured?: Record<string, number | string>;
}

/** Pseudo-random numbers from a seed; no two runs with one seed differ. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 up to 1, which it never is. */
  next(): number {
    // mulberry32
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from least to most, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.between(0, values.length - 1)]!;
  }

  shuffle<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, order: this.next() }))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value);
  }
}
