import { describe, expect, it } from '@jest/globals';
import { patternProblem } from './safe-pattern.ts';

describe('patternProblem', () => {
  it.each([
    '^\\d{4,6}$',
    '(?:a|b)+c*?',
    '(?<year>\\d{4})-\\d\\d',
    '[^\\]{9999}(?=]{2}',
    '\\p{L}+\\u{1F600}',
    '\\(?=',
    '(a+)+$',
    '(?:.{10}){100}',
  ])('takes %s', (pattern) => {
    expect(patternProblem(pattern)).toBeUndefined();
  });

  it.each([
    ['(', 'must be a valid regular expression'],
    ['a{2,1}', 'must be a valid regular expression'],
    ['(?P<name>a)', 'must be a valid regular expression'],
    ['a'.repeat(257), 'must not be longer than 256 characters'],
    ['(a)\\1', 'must not refer back to a group'],
    ['(?<x>a)\\k<x>', 'must not refer back to a group'],
    ['a(?=b)', 'must not look ahead or behind'],
    ['a(?!b)', 'must not look ahead or behind'],
    ['(?<=a)b', 'must not look ahead or behind'],
    ['(?<!a)b', 'must not look ahead or behind'],
    ['\\p{Script=Greek}', 'must name characters by category, such as \\p{L}'],
    ['[]', 'must not have an empty set of characters'],
    ['[^]', 'must not have an empty set of characters'],
    ['a{1001}', 'must not be longer than 1000 once repetitions are written out'],
    ['a{0,1001}', 'must not be longer than 1000 once repetitions are written out'],
    ['((a{11}){11}){11}', 'must not be longer than 1000 once repetitions are written out'],
  ])('refuses %s', (pattern, problem) => {
    expect(patternProblem(pattern)).toBe(problem);
  });
});
