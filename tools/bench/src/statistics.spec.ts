import { describe, expect, it } from '@jest/globals';
import { median, percentile, spreadOf } from './statistics.ts';

describe('statistics', () => {
  it('takes the middle of an odd number of values, and the mean of the two in the middle of an even one', () => {
    expect(median([3, 100, 1])).toBe(3);
    expect(median([4, 1, 2, 100])).toBe(3);
    expect(median([])).toBeNaN();
  });

  it('takes as p99 the value that 99 of 100 do not pass', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.99)).toBeNaN();
  });

  it('gives the range with the median', () => {
    expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  });
});
