import { expect, it } from '@jest/globals';
import { DomainError } from '@parley/errors';
import { WorkingTime } from './working-time.ts';

let now = 0;
const taking = (ms: number) => () => {
  now += ms;
  return ms;
};

/** How much of so long a time a tenant gets that asks without end for pieces of a length. */
function usedOf(total: number, piece: number, uncountedMs: number): number {
  now = 0;
  const time = new WorkingTime({ uncountedMs, now: () => now });
  let used = 0;
  while (now < total) {
    try {
      used += time.use('a', taking(piece));
    } catch {
      now += 1;
    }
  }
  return used;
}

it('gives a tenant half of the time, and a second more at once', () => {
  expect(usedOf(1_100, 100, 0)).toBeGreaterThan(1_000);
  expect(usedOf(60_000, 100, 5) / 60_000).toBeCloseTo(0.5, 1);
  expect(usedOf(60_000, 6, 5) / 60_000).toBeCloseTo(0.5, 1);
});

it('does not count short pieces of work where it is told so', () => {
  expect(usedOf(60_000, 5, 5)).toBe(60_000);
});

it('refuses a tenant that has had its share, and nobody else; for a while', () => {
  now = 0;
  const time = new WorkingTime({ now: () => now });
  expect(time.use('a', taking(1_400))).toBe(1_400);
  expect([time.isUsedUp('a'), time.isUsedUp('b')]).toEqual([false, false]);
  time.use('a', taking(1_400));
  expect([time.isUsedUp('a'), time.isUsedUp('b')]).toEqual([true, false]);
  expect(() => time.use('a', taking(1))).toThrow(DomainError);
  expect(time.use('b', taking(1))).toBe(1);
  now += 1_200;
  expect(time.use('a', taking(1))).toBe(1);
});

it('counts work that fails', () => {
  now = 0;
  const time = new WorkingTime({ now: () => now });
  const fail = (): never => {
    now += 2_400;
    throw new Error('of its own');
  };
  expect(() => time.use('a', fail)).toThrow('of its own');
  expect(time.isUsedUp('a')).toBe(true);
});

it('lets one caller go on in each turn of the loop, in their order', async () => {
  const time = new WorkingTime();
  const passed: number[] = [];
  const turns = [1, 2, 3].map((caller) => time.turn().then(() => passed.push(caller)));
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(passed.length).toBeLessThanOrEqual(turn + 1);
  }
  await Promise.all(turns);
  expect(passed).toEqual([1, 2, 3]);
});

it('knows who has had long pieces of late', () => {
  now = 0;
  const time = new WorkingTime({ uncountedMs: 5, now: () => now });
  time.use('a', taking(100));
  time.use('b', taking(1));
  expect([time.owes('a'), time.owes('b')]).toEqual([true, false]);
  now += 100;
  expect(time.owes('a')).toBe(false);
});
