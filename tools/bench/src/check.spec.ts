import { describe, expect, it } from '@jest/globals';
import { checkRows } from './check.ts';

describe('the check of what was started', () => {
  const started = new Set(['a', 'b']);

  it('holds when the rows are those that were answered as started (P2)', () => {
    expect(checkRows('sessions', started, ['b', 'a'])).toEqual({
      ok: true,
      text: '2 started, 2 sessions, the same ids',
    });
  });

  it.each([
    [['a'], '1 missing, 0 unexpected, 0 double'],
    [['a', 'b', 'c'], '0 missing, 1 unexpected, 0 double'],
    [['a', 'b', 'b'], '0 missing, 0 unexpected, 1 double'],
    [['a', 'c'], '1 missing, 1 unexpected, 0 double'],
  ])('fails for %j', (found, wrong) => {
    const { ok, text } = checkRows('sessions', started, found);
    expect(ok).toBe(false);
    expect(text).toContain(wrong);
  });
});
