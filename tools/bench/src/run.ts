import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureGrid } from './grid.ts';
import { Meter } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { peakMemoryOf } from './processes.ts';
import { REPOSITORY_ROOT } from './repository.ts';
import { Systems } from './systems/systems.ts';
import { gridTable } from './table.ts';

/** Runs the whole benchmark, prints its table and writes its figures. Gives whether all checks held. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<boolean> {
  const began = Date.now();
  const log = (line: string): void => {
    console.log(`${((Date.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${line}`);
  };
  const name = new Date(began).toISOString().slice(0, 19).replaceAll(':', '-');
  const folder = join(REPOSITORY_ROOT, '.parley', 'bench');
  const home = join(folder, name);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const systems = new Systems(home, log, signal);
  try {
    const meter = new Meter(signal);
    const started = await systems.start(options.systems);
    const cells = await measureGrid(started, options, meter, log);
    const memory = started.flatMap((system) =>
      system.processes().map((process) => ({
        system: system.name,
        process: process.name,
        mib: peakMemoryOf(process),
      })),
    );
    const checks = [];
    for (const system of started) {
      log(`Checking ${system.name}`);
      for (const check of await system.check(meter.startedOf(system)))
        checks.push({ system: system.name, ...check });
    }
    const report = { time: name, options, cells, memory, checks };
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(report, undefined, 2));
    console.log(['', gridTable(cells), ''].join('\n'));
    for (const { system, process, mib } of memory) console.log(`${system} ${process}: ${mib.toFixed(0)} MiB`);
    for (const { system, text, ok } of checks) console.log(`${ok ? 'ok    ' : 'FAILED'} ${system}: ${text}`);
    console.log(`\nFigures: ${file}`);
    return checks.every(({ ok }) => ok);
  } finally {
    log('Stopping everything');
    await systems.stop();
    rmSync(home, { recursive: true, force: true });
  }
}
