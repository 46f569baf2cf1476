import { RE2JS } from 're2js';
import { COST } from './effort.ts';
import type { Effort } from './effort.ts';

/** Characters of a text that a pattern is tried on; what is longer is cut. */
const MAX_TEXT = 4096;

/** A pattern, made ready for a machine that needs time linear in the text's length, whatever the pattern. */
export type LinearPattern = RE2JS;

/**
 * The pattern, or undefined where the machine cannot run it. It is put into a group: else re2js makes tables for one that
 * starts with `^`, which for `^\p{L}{900}$` take 10 MiB and 20 ms.
 */
export function linearPattern(pattern: string): LinearPattern | undefined {
  try {
    return RE2JS.compile(`(${RE2JS.translateRegExp(pattern)})`);
  } catch {
    return undefined;
  }
}

/**
 * Whether a pattern matches anywhere in a text. Asked for the place, which nobody wants: else re2js would try it with an
 * automaton that keeps up to 8 MiB for each pattern, and takes longest to build for those that it serves least.
 */
export function matchesPattern(pattern: LinearPattern, text: string, effort?: Effort): boolean {
  const read = text.slice(0, MAX_TEXT);
  const perCharacter = Math.max(COST.matching, COST.instruction * pattern.programSize());
  effort?.spend((1 + read.length) * perCharacter);
  return pattern.matcher(read).find();
}

/** Of an instruction: itself, and its places in the queues of the machine. */
const INSTRUCTION_BYTES = 160;
/** Of a category such as `\p{L}`: its ranges. */
const CATEGORY_BYTES = 6_000;

export function isLinearPattern(value: unknown): value is LinearPattern {
  return value instanceof RE2JS;
}

/** About how many bytes a pattern keeps. */
export function patternBytes(pattern: LinearPattern): number {
  const categories = pattern.pattern().match(/\\p/gi)?.length ?? 0;
  return pattern.programSize() * INSTRUCTION_BYTES + categories * CATEGORY_BYTES;
}
