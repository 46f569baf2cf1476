import { describe, expect, it } from '@jest/globals';
import { RollingWindow } from './rolling-window.ts';

/** A small generator, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

describe('a rolling window', () => {
  it('lets the limit through and counts down', () => {
    const window = new RollingWindow();
    const taken = [1, 2, 3, 4].map(() => window.take(3, 1_000));
    expect(taken.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
    expect(taken.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0]);
  });

  it('rolls: each request is given back 60 s after it came, not all at once', () => {
    const window = new RollingWindow();
    window.take(2, 100);
    window.take(2, 130);
    expect(window.take(2, 159)).toMatchObject({ allowed: false, retryAfter: 1 });
    expect(window.take(2, 160)).toMatchObject({ allowed: true, remaining: 0 });
    expect(window.take(2, 161)).toMatchObject({ allowed: false, retryAfter: 29 });
    expect(window.take(2, 190)).toMatchObject({ allowed: true });
  });

  it('does not count what it refuses', () => {
    const window = new RollingWindow();
    window.take(1, 10);
    for (let second = 11; second < 70; second++) expect(window.take(1, second).allowed).toBe(false);
    expect(window.take(1, 70).allowed).toBe(true);
  });

  it('is empty again after any long pause', () => {
    const window = new RollingWindow();
    for (let request = 0; request < 5; request++) window.take(5, 59);
    expect(window.take(5, 1_000_000)).toMatchObject({ allowed: true, remaining: 4 });
  });

  it('follows a limit that is lowered', () => {
    const window = new RollingWindow();
    for (let request = 0; request < 5; request++) window.take(10, 5);
    expect(window.take(3, 6)).toMatchObject({ allowed: false, remaining: 0 });
  });

  it.each([1, 2, 3])('never lets more through than the limit in any 60 seconds (seed %d)', (seed) => {
    const limit = 20;
    const window = new RollingWindow();
    const next = random(seed);
    const passed: number[] = [];
    let now = 50_000;
    for (let request = 0; request < 5_000; request++) {
      // Bursts, and now and then a pause.
      now += next() < 0.02 ? next() * 90 : next() * 2;
      const { allowed, remaining } = window.take(limit, now);
      if (allowed) passed.push(Math.floor(now));
      const recent = passed.filter((second) => second > Math.floor(now) - 60);
      expect(recent.length).toBeLessThanOrEqual(limit);
      expect(remaining).toBe(limit - recent.length);
      // It refuses only where it must.
      if (!allowed) expect(recent.length).toBe(limit);
    }
    expect(passed.length).toBeGreaterThan(limit * 10);
  });

  it.each([4, 5])('says truly after how many seconds to try again (seed %d)', (seed) => {
    const next = random(seed);
    const window = new RollingWindow();
    let now = 0;
    for (let round = 0; round < 200; round++) {
      now += Math.floor(next() * 20);
      const { allowed, retryAfter } = window.take(3, now);
      if (allowed) continue;
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(60);
      expect(window.take(3, now + retryAfter - 1).allowed).toBe(false);
      now += retryAfter;
      expect(window.take(3, now).allowed).toBe(true);
    }
  });
});
