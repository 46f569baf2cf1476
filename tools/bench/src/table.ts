import type { Cell } from './grid.ts';
import type { Spread } from './statistics.ts';
import type { Memory, Verdict } from './verdicts.ts';

/** Lines of columns, the first row above a rule; columns after the first `left` ones are aligned to the right. */
export function table(rows: readonly (readonly string[])[], left = 1): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row
      .map((text, column) =>
        column < left ? text.padEnd(widths[column] as number) : text.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/** Every cell: medians, and of the rate the range. */
export function gridTable(cells: readonly Cell[]): string {
  const order = (cell: Cell): string => `${cell.workload} ${String(cell.connections).padStart(6)}`;
  const sorted = cells.toSorted((a, b) => order(a).localeCompare(order(b)));
  const head = [
    'workload',
    'system',
    'conn.',
    'per s',
    'range',
    'p50 ms',
    'p99 ms',
    'CPU µs: services',
    'Postgres',
    'NATS',
    'generator',
  ];
  const micros = (spread: Spread): string => number(spread.median * 1_000);
  const rows = sorted.map(({ workload, system, connections, rate, p50, p99, cpu }) => [
    workload,
    system,
    String(connections),
    number(rate.median),
    `${number(rate.min)}–${number(rate.max)}`,
    p50.median.toFixed(2),
    p99.median.toFixed(2),
    micros(cpu.services),
    micros(cpu.database),
    micros(cpu.broker),
    micros(cpu.generator),
  ]);
  return table([head, ...rows], 2);
}

/** Peak memory, a line for each system. */
export function memoryTable(memory: readonly Memory[]): string {
  const systems = [...new Set(memory.map(({ system }) => system))];
  const lines = systems.map((system) => {
    const own = memory.filter((entry) => entry.system === system);
    return [system, own.map(({ process, mib }) => `${process} ${number(mib)}`).join(', ')];
  });
  return table([['system', 'peak memory of each process, MiB (of Postgres, the largest)'], ...lines], 2);
}

/** Each figure beside its target. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ what, value, target, better, unit, reached }) => [
    what,
    `${figure(value)} ${unit}`,
    `${better === 'more' ? '≥' : '≤'} ${target} ${unit}`,
    reached ? 'reached' : 'NOT reached',
  ]);
  return table([['figure', 'measured', 'target', ''], ...rows], 1);
}

function figure(value: number): string {
  return Math.abs(value) >= 100 ? number(value) : value.toFixed(2);
}

/** Whole, or n/a where it could not be measured. */
export function number(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US').replaceAll(',', ' ') : 'n/a';
}
