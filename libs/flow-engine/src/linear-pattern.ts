import { RE2JS } from 're2js';

/** Characters of a text that a pattern is tried on; what is longer is cut. */
export const MAX_TEXT = 4096;

/** A pattern, made ready for a machine that needs time linear in the text's length, whatever the pattern. */
export type LinearPattern = RE2JS;

/** The pattern, or undefined where the machine cannot run it. */
export function linearPattern(pattern: string): LinearPattern | undefined {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch {
    return undefined;
  }
}

/** Whether a pattern matches anywhere in a text. */
export function matchesPattern(pattern: LinearPattern, text: string): boolean {
  return pattern.test(text.slice(0, MAX_TEXT));
}
