import { endOfStream, eventLagSince } from './event-lag.ts';
import type { EventLag } from './event-lag.ts';
import { summaryOf } from './grid.ts';
import type { Cell } from './grid.ts';
import type { Measurement, Meter } from './measure.ts';
import { median } from './statistics.ts';
import type { Parley } from './systems/parley.ts';
import type { System } from './systems/system.ts';

export interface HalfLoad {
  /** Requests a second, the same for both: half of Parley's peak. */
  rate: number;
  parley: ReturnType<typeof summaryOf>;
  floor: ReturnType<typeof summaryOf>;
  /** Of each round. */
  eventLag: EventLag[];
}

export interface HalfLoadOptions {
  rounds: number;
  seconds: number;
  connections: number;
  /** Of Parley, as far as it is known already. */
  cells: readonly Cell[];
}

/** Sends requests at a constant rate, whatever the answers do, to Parley and to the floor by turns. */
export async function measureHalfLoad(
  parley: Parley,
  floor: System,
  { rounds, seconds, connections, cells }: HalfLoadOptions,
  meter: Meter,
  log: (line: string) => void,
): Promise<HalfLoad> {
  const what = { workload: 'phone', connections, seconds } as const;
  const peak =
    cells.find(
      (cell) => cell.system === 'parley' && cell.workload === 'phone' && cell.connections === connections,
    )?.rate.median ?? (await meter.measure(parley, what)).rate;
  const rate = Math.round(peak / 2);
  const found: Record<'parley' | 'floor', Measurement[]> = { parley: [], floor: [] };
  const eventLag: EventLag[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const system of round % 2 === 0 ? [parley, floor] : [floor, parley]) {
      const end = await endOfStream(parley.stack.nats);
      const measurement = await meter.measure(system, { ...what, rate });
      found[system === parley ? 'parley' : 'floor'].push(measurement);
      let line = `half load, ${rate}/s: ${system.name} p50 ${measurement.p50.toFixed(2)} ms, p99 ${measurement.p99.toFixed(2)} ms`;
      if (system === parley) {
        const lag = await eventLagSince(parley.stack.nats, end);
        eventLag.push(lag);
        line += `, events after p50 ${lag.p50.toFixed(1)} ms, p99 ${lag.p99.toFixed(1)} ms`;
      }
      log(line);
    }
  }
  return { rate, parley: summaryOf(found.parley), floor: summaryOf(found.floor), eventLag };
}

/** The p99 of the lag: the median of the rounds. */
export function lagP99(halfLoad: HalfLoad): number {
  return median(halfLoad.eventLag.map(({ p99 }) => p99));
}
