import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { measureExpiry } from './expiry.ts';
import { measureGrid } from './grid.ts';
import { measureHalfLoad } from './half-load.ts';
import { Meter } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { peakMemoryOf } from './processes.ts';
import { REPOSITORY_ROOT } from './repository.ts';
import { FULL, measureRows } from './rows.ts';
import { Systems } from './systems/systems.ts';
import type { System } from './systems/system.ts';
import { gridTable, memoryTable, verdictTable } from './table.ts';
import { verdictsOf } from './verdicts.ts';
import type { Findings, Memory } from './verdicts.ts';

/** What a check of a system found. */
interface Checked {
  system: string;
  text: string;
  ok: boolean;
}

/** Runs the whole benchmark, prints its tables and writes its figures. Gives whether all checks held. */
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
    const { findings, checks } = await measureAll(systems, options, log, signal);
    const verdicts = verdictsOf(findings);
    const file = join(folder, `${name}.json`);
    const machine = { cpus: cpus().length, model: cpus()[0]?.model, memory: totalmem(), platform, arch };
    const report = { time: name, machine, node: process.version, options, ...findings, verdicts, checks };
    writeFileSync(file, JSON.stringify(report, undefined, 2));
    const tables = [
      gridTable(findings.cells),
      ...(findings.rows === undefined ? [] : [gridTable(findings.rows)]),
      memoryTable(findings.memory),
      verdictTable(verdicts),
      checks.map(({ system, text, ok }) => `${ok ? 'ok    ' : 'FAILED'}  ${system}: ${text}`).join('\n'),
    ];
    console.log(['', ...tables, `Figures: ${file}`].join('\n\n'));
    return checks.every(({ ok }) => ok);
  } finally {
    log('Stopping everything');
    await systems.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

async function measureAll(
  systems: Systems,
  options: BenchOptions,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<{ findings: Findings; checks: Checked[] }> {
  const meter = new Meter(signal);
  const checks: Checked[] = [];
  const memory: Memory[] = [];
  const findings: Findings = { cells: [], memory };
  const finish = async (system: System): Promise<void> => {
    log(`Checking ${system.name}`);
    for (const process of system.processes())
      memory.push({ system: system.name, process: process.name, mib: peakMemoryOf(process) });
    for (const check of await system.check(meter.startedOf(system)))
      checks.push({ system: system.name, ...check });
  };
  const connections = Math.max(...options.connections);

  const measured = await systems.start(options.systems);
  const warmUp = async (system: System): Promise<void> => {
    log(`Warming up ${system.name}`);
    await meter.warmUp(system, connections);
  };
  for (const system of measured) await warmUp(system);
  findings.cells = await measureGrid(measured, options, meter, log);
  if (options.halfLoad) {
    const [parley, floor] = [await systems.parley(), await systems.get('floor')];
    const { rounds, seconds } = options;
    const halfLoadOptions = { rounds, seconds, connections, cells: findings.cells };
    findings.halfLoad = await measureHalfLoad(parley, floor, halfLoadOptions, meter, log);
  }
  if (options.rows > 0) {
    const full = await systems.startParley(FULL);
    await warmUp(full);
    findings.rows = await measureRows(await systems.parley(), full, options, meter, log, signal);
  }
  for (const system of systems.all()) await finish(system);
  if (options.expiry) {
    // The others would only stand in the way.
    await systems.stop();
    const parley = await systems.startParley('expiry', { sessionReplicas: 2 });
    findings.expiry = await measureExpiry(parley, connections, meter, log, signal);
    await finish(parley);
  }
  return { findings, checks };
}
