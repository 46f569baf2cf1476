import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY_ROOT } from '../repository.ts';
import { spreadOf } from '../statistics.ts';
import type { Spread } from '../statistics.ts';
import { table } from '../table.ts';
import { engineCases } from './engine-cases.ts';
import type { EngineCase } from './engine-cases.ts';

const HELP = `npm run bench:engine [-- options]: what the flow engine alone takes, in microseconds.

  --rounds <n>   every case is measured so often, in turns; medians and ranges are shown (default 9)
  --ms <n>       that each measurement lasts (default 400)
  --help         this text

All figures are in .parley/bench/<time>-engine.json.`;

interface Measured {
  name: string;
  /** Of one run, in µs. */
  micros: Spread;
  /** How many times as long as the case it is held against, from round to round; of those that are held against one. */
  times?: Spread;
}

/** @throws Error naming the option that cannot be used */
export function benchEngine(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '9' },
      ms: { type: 'string', default: '400' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const options = { rounds: whole('--rounds', values.rounds, 100), ms: whole('--ms', values.ms, 60_000) };
  const cases = engineCases();
  const measured = measure(cases, options);
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const folder = join(REPOSITORY_ROOT, '.parley', 'bench');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${time}-engine.json`);
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memory: totalmem(), platform, arch };
  writeFileSync(
    file,
    JSON.stringify({ time, machine, node: process.version, options, measured }, undefined, 2),
  );
  console.log(['', engineTable(measured), `Figures: ${file}`].join('\n\n'));
}

/** The cases take turns, and each round begins with another one. */
function measure(cases: EngineCase[], { rounds, ms }: { rounds: number; ms: number }): Measured[] {
  const found = new Map<string, number[]>(cases.map(({ name }) => [name, []]));
  for (const { run } of cases) timed(run, ms);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < cases.length; turn++) {
      const { name, run } = cases[(turn + round) % cases.length]!;
      found.get(name)!.push(timed(run, ms));
    }
  }
  return cases.map(({ name, against }) => {
    const own = found.get(name)!;
    const other = against === undefined ? undefined : found.get(against);
    const times = other && spreadOf(own.map((micros, round) => micros / other[round]!));
    return { name, micros: spreadOf(own), ...(times && { times }) };
  });
}

/** Microseconds of one run, over so many milliseconds of runs. */
function timed(run: () => unknown, ms: number): number {
  const began = performance.now();
  let runs = 0;
  let taken = 0;
  for (let batch = 1; taken < ms; batch = Math.min(batch * 2, 256)) {
    for (let i = 0; i < batch; i++) run();
    runs += batch;
    taken = performance.now() - began;
  }
  return (taken * 1_000) / runs;
}

function engineTable(measured: Measured[]): string {
  const rows = measured.map(({ name, micros, times }) => [
    name,
    shown(micros.median),
    `${shown(micros.min)}–${shown(micros.max)}`,
    times ? `${times.median.toFixed(1)} ×` : '',
  ]);
  return table([['case', 'µs', 'range', 'times as long'], ...rows]);
}

function shown(micros: number): string {
  return micros >= 100 ? micros.toFixed(0) : micros.toFixed(1);
}

function whole(option: string, text: string, max: number): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= max) return value;
  throw new Error(`${option} takes whole numbers from 1 to ${max}, not "${text}"`);
}
