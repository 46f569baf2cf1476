import { describe, expect, it } from '@jest/globals';
import { parsePattern } from './safe-pattern.ts';

describe('parsePattern', () => {
  it.each([
    '^\\d{4,6}$',
    '(?:a|b)+c*?',
    '(?<year>\\d{4})-\\d\\d',
    '[^\\]{9999}(?=]{2}',
    '\\p{L}+\\u{1F600}',
    '\\(?=',
    '(a+)+$',
    '(?:.{10}){100}',
    '(?i:[a-zäöü]+ [一-龥]+)',
    '[Ā-\u{1e943}]{9}(?-i:[Ā-\u{1e943}])',
  ])('takes %s', (pattern) => {
    expect(parsePattern(pattern)).toMatchObject({ pattern: expect.anything() });
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
    ['(?i:[Ā-\u{1e943}])', 'must not have more than 65536 characters in ranges where it ignores case'],
    [
      '(?si:a)[\\x20-\\u{10ffff}]',
      'must not have more than 65536 characters in ranges where it ignores case',
    ],
    [
      '(?i:[^\\u{100}-\\ud83a\\udd43-a-z])',
      'must not have more than 65536 characters in ranges where it ignores case',
    ],
    [
      '(?i:[一-龥][一-龥][一-龥][一-龥])',
      'must not have more than 65536 characters in ranges where it ignores case',
    ],
    ['((a{11}){11}){11}', 'must not be longer than 1000 once repetitions are written out'],
  ])('refuses %s', (pattern, problem) => {
    expect(parsePattern(pattern)).toEqual({ problem });
  });
});
