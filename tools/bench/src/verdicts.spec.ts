import { describe, expect, it } from '@jest/globals';
import type { Cell } from './grid.ts';
import { verdictsOf } from './verdicts.ts';

function cell(system: string, connections: number, rate: number, p50 = 1): Cell {
  const spread = (value: number) => ({ median: value, min: value, max: value });
  const nothing = spread(0);
  return {
    system,
    workload: 'phone',
    connections,
    rate: spread(rate),
    p50: spread(p50),
    p99: nothing,
    cpu: { services: nothing, database: nothing, broker: nothing, generator: nothing },
    rounds: [],
  };
}

describe('verdicts', () => {
  it('say of each ratio whether it is reached, and nothing of what was not measured', () => {
    const cells = [
      cell('parley', 128, 700),
      cell('floor', 128, 1_000),
      cell('dbos', 128, 100),
      cell('parley', 1, 100, 9),
      cell('floor', 1, 100, 2),
    ];
    const found = verdictsOf({ cells, memory: [] }).map(({ what, value, reached }) => [what, value, reached]);
    expect(found).toEqual([
      ['phone: starts, parley / floor at 128', 0.7, true],
      ['phone: starts, parley / dbos at 128', 7, false],
      ['phone: p50 of an idle trigger, parley / floor', 4.5, false],
    ]);
  });

  it("judge the memory of Parley's own processes only", () => {
    const memory = [
      { system: 'parley', process: 'gateway', mib: 201 },
      { system: 'parley', process: 'postgres', mib: 900 },
      { system: 'floor', process: 'floor', mib: 900 },
    ];
    expect(verdictsOf({ cells: [], memory })).toMatchObject([{ value: 201, reached: false }]);
  });

  it('leave out what this machine cannot measure', () => {
    const memory = [{ system: 'parley', process: 'gateway', mib: Number.NaN }];
    expect(verdictsOf({ cells: [], memory })).toEqual([]);
  });
});
