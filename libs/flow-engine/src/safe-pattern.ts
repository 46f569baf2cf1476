import { linearPattern } from './linear-pattern.ts';
import type { LinearPattern } from './linear-pattern.ts';

/** Characters of a pattern. */
const MAX_LENGTH = 256;
/** Of a pattern once its counted repetitions are written out: `(ab){3}` counts 6. */
const MAX_EXPANDED = 1000;
/** Characters in ranges such as `a-z` of a pattern that ignores case: the other case of each is looked up one by one. */
const MAX_FOLDED = 65_536;

/** What the reader knows of the group it is in, in expanded length: all of it, and its last item. */
interface GroupSize {
  total: number;
  last: number;
}

/**
 * Makes a pattern ready, or says why it cannot be used. It must be a regular expression of JavaScript (with the
 * flag u) that a linear-time engine can also run. It is read here, never run against a text.
 */
export function parsePattern(pattern: string): { pattern: LinearPattern } | { problem: string } {
  if (pattern.length > MAX_LENGTH) return { problem: `must not be longer than ${MAX_LENGTH} characters` };
  const size = sizeOf(pattern);
  try {
    new RegExp(pattern, 'u');
  } catch {
    return { problem: 'must be a valid regular expression' };
  }
  if (typeof size === 'string') return { problem: size };
  const parsed = linearPattern(pattern);
  return parsed
    ? { pattern: parsed }
    : { problem: 'must be a regular expression that a linear-time engine can run' };
}

/** How long a pattern is once its counted repetitions are written out; 0 for one that parsePattern refuses as too large. */
export function expandedLength(pattern: string): number {
  const size = pattern.length > MAX_LENGTH ? 0 : sizeOf(pattern);
  return typeof size === 'number' ? size : 0;
}

/** The expanded length of a pattern, or what is not supported in it. Of a pattern whose syntax is wrong it means nothing. */
function sizeOf(pattern: string): number | string {
  let ignoresCase = false;
  let folded = 0;
  const outer: GroupSize[] = [];
  let group: GroupSize = { total: 0, last: 0 };
  let at = 0;
  while (at < pattern.length) {
    const rest = pattern.slice(at);
    if (/^\((?:\?<?[=!])/.test(rest)) return 'must not look ahead or behind';
    if (/^\\(?:[1-9]|k<)/.test(rest)) return 'must not refer back to a group';
    if (/^\\p\{(?!\p{L}{1,2}\})/iu.test(rest)) return 'must name characters by category, such as \\p{L}';
    if (/^\[\^?\]/.test(rest)) return 'must not have an empty set of characters';
    const counted = /^\{(\d+)(?:,(\d*))?\}/.exec(rest);
    if (counted) {
      const times = Math.max(1, Number(counted[1]), Number(counted[2] ?? 0));
      group.total += group.last * (times - 1);
      if (group.total > MAX_EXPANDED)
        return `must not be longer than ${MAX_EXPANDED} once repetitions are written out`;
      at += counted[0].length;
    } else if (rest.startsWith('(')) {
      outer.push(group);
      group = { total: 0, last: 0 };
      const opening = /^\((?:\?<[^>]*>|\?[^:]*:)?/.exec(rest)?.[0] ?? '(';
      // To the end, not only to that of the group: that is simpler, and hardly ever stricter.
      ignoresCase ||= /^\(\?[a-z]*i/.test(opening);
      at += opening.length;
    } else if (rest.startsWith(')')) {
      const closed = Math.max(1, group.total);
      group = outer.pop() ?? { total: 0, last: 0 };
      group = { total: group.total + closed, last: closed };
      at += 1;
    } else {
      const item = rest.slice(0, itemLength(rest));
      if (ignoresCase && item.startsWith('[')) folded += rangedCharacters(item);
      if (folded > MAX_FOLDED)
        return `must not have more than ${MAX_FOLDED} characters in ranges where it ignores case`;
      at += item.length;
      group = { total: group.total + 1, last: 1 };
    }
  }
  return group.total;
}

/** How long the item is that a pattern starts with: a set, an escape or a character. */
function itemLength(rest: string): number {
  const item = /^(?:\[(?:\\.|[^\]\\])*\]|\\[pPu]\{[^}]*\}|\\.|.)/su.exec(rest);
  return item?.[0].length ?? 1;
}

const SET_MEMBER =
  /\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})|\\u\{([\da-f]+)\}|\\u([\da-f]{4})|\\x([\da-f]{2})|\\?(.)/gisu;

/** How many characters the ranges of a set have in all: those of `[a-z0-9_]` have 36. */
function rangedCharacters(set: string): number {
  const members = [...set.slice(1, -1).matchAll(SET_MEMBER)].map(([written, high, low, ...others]) => {
    const [braced, four, two, other = ''] = others;
    const unit = (hex: string | undefined) => Number.parseInt(hex ?? '', 16);
    const code =
      high === undefined
        ? unit(braced ?? four ?? two)
        : String.fromCharCode(unit(high), unit(low)).codePointAt(0)!;
    return { written, code: Number.isNaN(code) ? other.codePointAt(0)! : code };
  });
  let characters = 0;
  for (let at = 1; at + 1 < members.length; at++) {
    if (members[at]!.written !== '-') continue;
    characters += Math.max(0, members[at + 1]!.code - members[at - 1]!.code + 1);
    // What ends a range does not begin another.
    at += 2;
  }
  return characters;
}
