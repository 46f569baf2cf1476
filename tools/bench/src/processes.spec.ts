import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { cpuOf, peakMemoryOf } from './processes.ts';

const itOnLinux = existsSync('/proc/self/stat') ? it : it.skip;

describe('what a process uses', () => {
  itOnLinux('counts its CPU time', () => {
    const self = { name: 'self', pid: process.pid };
    const before = cpuOf(self);
    const began = process.cpuUsage();
    const used = (): number => {
      const { user, system } = process.cpuUsage(began);
      return (user + system) / 1_000;
    };
    while (used() < 200);
    const counted = cpuOf(self) - before;
    // It is counted in steps of 10 ms.
    expect(counted).toBeGreaterThan(150);
    expect(counted).toBeLessThan(used() + 50);
  });

  itOnLinux('knows the most memory it has held', () => {
    const mib = peakMemoryOf({ name: 'self', pid: process.pid });
    expect(mib).toBeGreaterThan(20);
    expect(mib).toBeLessThan(10_000);
  });

  it('is not a number where it cannot be known', () => {
    const none = { name: 'none', pid: 2 ** 30 };
    expect(cpuOf(none)).toBeNaN();
    expect(peakMemoryOf(none)).toBeNaN();
  });
});
