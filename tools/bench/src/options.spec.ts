import { describe, expect, it } from '@jest/globals';
import { readOptions } from './options.ts';

describe('the options of npm run bench', () => {
  it('measures Parley, also conversing and heard, the floor and naive without options', () => {
    expect(readOptions([])).toEqual({
      rounds: 3,
      seconds: 4,
      connections: [1, 32, 128],
      systems: ['parley', 'conversing', 'heard', 'floor', 'naive'],
      workloads: ['phone', 'duplicates', 'contact'],
      halfLoad: false,
      rows: 0,
      expiry: false,
    });
  });

  it('measures everything with --all', () => {
    expect(readOptions(['--all'])).toMatchObject({
      systems: ['parley', 'conversing', 'heard', 'floor', 'naive', 'restate', 'dbos'],
      halfLoad: true,
      rows: 1_000_000,
      expiry: true,
    });
  });

  it('takes systems and workloads with --only', () => {
    const options = readOptions(['--only', 'floor,phone']);
    expect(options).toMatchObject({ systems: ['floor'], workloads: ['phone'] });
  });

  it.each([
    [['--only', 'temporal'], 'there is no temporal'],
    [['--rounds', '0'], '--rounds takes whole numbers from 1'],
    [['--connections', '1,x'], '--connections takes'],
    [['--rows', '1e6'], '--rows takes'],
    [['--half'], "Unknown option '--half'"],
  ])('refuses %j and says why', (args, why) => {
    expect(() => readOptions(args)).toThrow(why);
  });
});
