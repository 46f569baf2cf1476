import type { Expiry } from './expiry.ts';
import type { Cell } from './grid.ts';
import { lagP99 } from './half-load.ts';
import type { HalfLoad } from './half-load.ts';
import { FULL } from './rows.ts';
import type { Workload } from './systems/system.ts';

/** A figure beside what it is to reach. */
export interface Verdict {
  what: string;
  value: number;
  target: number;
  /** Whether more or less is better. */
  better: 'more' | 'less';
  unit: string;
  reached: boolean;
}

export interface Memory {
  system: string;
  process: string;
  /** The most it has ever held. */
  mib: number;
}

export interface Findings {
  cells: readonly Cell[];
  memory: readonly Memory[];
  halfLoad?: HalfLoad | undefined;
  /** On an empty and on a full database by turns. */
  rows?: readonly Cell[] | undefined;
  expiry?: Expiry | undefined;
}

const MAX_MIB = 200;
/** Of one core: nothing, as far as it can be told from noise. */
const NOTHING_PERCENT = 1;

/** All that is to be reached, as far as it was measured. Ratios are of medians. */
export function verdictsOf({ cells, memory, halfLoad, rows, expiry }: Findings): Verdict[] {
  const verdicts: Verdict[] = [];
  const add = (
    what: string,
    value: number | undefined,
    target: number,
    better: Verdict['better'],
    unit = '×',
  ): void => {
    if (value === undefined) return;
    const reached = better === 'more' ? value >= target : value <= target;
    verdicts.push({ what, value, target, better, unit, reached });
  };
  for (const workload of ['phone', 'contact', 'duplicates'] as const) {
    const rates = (other: string, connections: number, target: number): void =>
      add(
        `${workload}: starts, parley / ${other} at ${connections}`,
        ratio(cells, 'parley', other, workload, connections, ({ rate }) => rate.median),
        target,
        'more',
      );
    for (const connections of [32, 128]) {
      add(
        `${workload}: starts, with the first question asked / without at ${connections}`,
        ratio(cells, 'conversing', 'parley', workload, connections, ({ rate }) => rate.median),
        0.8,
        'more',
      );
      add(
        `${workload}: starts, with the first question asked and heard / without at ${connections}`,
        ratio(cells, 'heard', 'parley', workload, connections, ({ rate }) => rate.median),
        0.8,
        'more',
      );
    }
    rates('floor', 32, 0.6);
    rates('floor', 128, 0.7);
    rates('naive', 128, 3);
    for (const connections of [32, 128]) rates('restate', connections, 3);
    for (const connections of [32, 128]) rates('dbos', connections, 10);
    add(
      `${workload}: p50 of an idle trigger, parley / floor`,
      ratio(cells, 'parley', 'floor', workload, 1, ({ p50 }) => p50.median),
      4,
      'less',
    );
  }
  if (halfLoad !== undefined) {
    const { parley, floor, rate } = halfLoad;
    add(`p99 at half the peak (${rate}/s), parley / floor`, parley.p99.median / floor.p99.median, 3, 'less');
    add('event lag at half the peak, p99', lagP99(halfLoad), 50, 'less', 'ms');
  }
  for (const connections of new Set(rows?.map((cell) => cell.connections)))
    add(
      `starts on a full database / on an empty one at ${connections}`,
      ratio(rows ?? [], FULL, 'parley', 'phone', connections, ({ rate }) => rate.median),
      0.9,
      'more',
    );
  if (expiry !== undefined) {
    const { idleWithMany: many, idleWithNone: none } = expiry;
    add(`${expiry.due} sessions due in one second are drained after`, expiry.drainSeconds, 10, 'less', 's');
    add('starts while they are drained / before', expiry.rateDuring / expiry.rateBefore, 0.5, 'more');
    const cost = many.sessions + many.postgres - none.sessions - none.postgres;
    add(`what ${expiry.notDue} sessions that are not due cost`, cost, NOTHING_PERCENT, 'less', '% of a core');
  }
  const services = memory.filter(
    ({ system, process }) => system === 'parley' && !/^(postgres|nats)$/.test(process),
  );
  for (const { process, mib } of services) add(`memory of ${process}, peak`, mib, MAX_MIB, 'less', 'MiB');
  return verdicts.filter(({ value }) => Number.isFinite(value));
}

/** Undefined where one of the two was not measured. */
function ratio(
  cells: readonly Cell[],
  system: string,
  other: string,
  workload: Workload,
  connections: number,
  value: (cell: Cell) => number,
): number | undefined {
  const of = (name: string): Cell | undefined =>
    cells.find(
      (cell) => cell.system === name && cell.workload === workload && cell.connections === connections,
    );
  const [first, second] = [of(system), of(other)];
  return first === undefined || second === undefined ? undefined : value(first) / value(second);
}
