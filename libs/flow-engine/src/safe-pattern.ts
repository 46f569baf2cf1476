import { linearPattern } from './linear-pattern.ts';

/** Characters of a pattern. */
const MAX_LENGTH = 256;
/** Of a pattern once its counted repetitions are written out: `(ab){3}` counts 6. */
const MAX_EXPANDED = 1000;

/** What the reader knows of the group it is in, in expanded length: all of it, and its last item. */
interface GroupSize {
  total: number;
  last: number;
}

/**
 * Says why a pattern cannot be used, or undefined. It must be a regular expression of JavaScript (with the
 * flag u) that a linear-time engine can also run. It is read here, never run against a text.
 */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_LENGTH) return `must not be longer than ${MAX_LENGTH} characters`;
  try {
    new RegExp(pattern, 'u');
  } catch {
    return 'must be a valid regular expression';
  }
  const problem = unsupported(pattern);
  if (problem !== undefined) return problem;
  return linearPattern(pattern)
    ? undefined
    : 'must be a regular expression that a linear-time engine can run';
}

/** Reads a pattern whose syntax is known to be right. */
function unsupported(pattern: string): string | undefined {
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
      at += /^\((?:\?<[^>]*>|\?[^:]*:)?/.exec(rest)?.[0].length ?? 1;
    } else if (rest.startsWith(')')) {
      const closed = Math.max(1, group.total);
      group = outer.pop() ?? { total: 0, last: 0 };
      group = { total: group.total + closed, last: closed };
      at += 1;
    } else {
      at += itemLength(rest);
      group = { total: group.total + 1, last: 1 };
    }
  }
  return undefined;
}

/** How long the item is that a pattern starts with: a set, an escape or a character. */
function itemLength(rest: string): number {
  const item = /^(?:\[(?:\\.|[^\]\\])*\]|\\[pPu]\{[^}]*\}|\\.|.)/su.exec(rest);
  return item?.[0].length ?? 1;
}
