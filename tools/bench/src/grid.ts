import type { BenchOptions } from './options.ts';
import type { Measurement, Meter } from './measure.ts';
import { spreadOf } from './statistics.ts';
import type { Spread } from './statistics.ts';
import type { System, Workload } from './systems/system.ts';

/** All rounds of one system, workload and number of connections. */
export interface Cell {
  system: string;
  workload: Workload;
  connections: number;
  rate: Spread;
  p50: Spread;
  p99: Spread;
  cpu: Record<keyof Measurement['cpu'], Spread>;
  rounds: Measurement[];
}

/** Measures every cell, round by round, the systems by turns and each round beginning with another one. */
export async function measureGrid(
  systems: readonly System[],
  options: Pick<BenchOptions, 'rounds' | 'seconds' | 'connections' | 'workloads'>,
  meter: Meter,
  log: (line: string) => void,
): Promise<Cell[]> {
  const found = new Map<
    string,
    { system: System; workload: Workload; connections: number; all: Measurement[] }
  >();
  for (let round = 0; round < options.rounds; round++) {
    for (const workload of options.workloads) {
      for (const connections of options.connections) {
        for (let turn = 0; turn < systems.length; turn++) {
          const system = systems[(turn + round) % systems.length] as System;
          const measurement = await meter.measure(system, {
            workload,
            connections,
            seconds: options.seconds,
          });
          log(`round ${round + 1}, ${workload}, ${connections}: ${system.name} ${lineOf(measurement)}`);
          const key = `${system.name} ${workload} ${connections}`;
          const cell = found.get(key) ?? { system, workload, connections, all: [] };
          cell.all.push(measurement);
          found.set(key, cell);
        }
      }
    }
  }
  return [...found.values()].map(({ system, workload, connections, all }) => ({
    system: system.name,
    workload,
    connections,
    ...summaryOf(all),
  }));
}

/** Medians and ranges of some measurements of the same. */
export function summaryOf(all: Measurement[]): Pick<Cell, 'rate' | 'p50' | 'p99' | 'cpu' | 'rounds'> {
  const spread = (value: (measurement: Measurement) => number): Spread => spreadOf(all.map(value));
  return {
    rate: spread(({ rate }) => rate),
    p50: spread(({ p50 }) => p50),
    p99: spread(({ p99 }) => p99),
    cpu: {
      services: spread(({ cpu }) => cpu.services),
      database: spread(({ cpu }) => cpu.database),
      broker: spread(({ cpu }) => cpu.broker),
      generator: spread(({ cpu }) => cpu.generator),
    },
    rounds: all,
  };
}

function lineOf({ rate, p50, p99, failures }: Measurement): string {
  const failed = Object.entries(failures).map(([text, count]) => `  ${count} × ${text}`);
  return `${Math.round(rate)}/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms${failed.join('')}`;
}
