import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { linearPattern, matchesPattern, patternBytes } from './linear-pattern.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let seed = 1;
const letters = Array.from({ length: 4_096 }, () => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return seed >>> 31 ? 'a' : 'b';
}).join('');

/** What something keeps in memory, in bytes. */
function kept(make: () => unknown): number {
  const used = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  const things = make();
  const after = used();
  expect(things).toBeDefined();
  return after - before;
}

describe('what patterns keep', () => {
  it.each(['[ab]*a[ab]{960}[cd]', '[ab]*a[ab]{15}[cd]', '^\\p{L}{900}$', '(a?){900}', '^[ab\\p{L}]+x$'])(
    'is no more than what they are said to, however much they were tried on: %s',
    (source) => {
      const pattern = () => {
        const made = linearPattern(source)!;
        for (let n = 0; n < 3; n++) matchesPattern(made, letters.slice(n));
        return made;
      };
      const weight = patternBytes(pattern());
      // Of what others make meanwhile, some may still be there.
      expect(kept(() => Array.from({ length: 5 }, pattern))).toBeLessThan(2 * 5 * weight + 1024 * 1024);
    },
  );
});
