// npm run torture: the long forms of the faults of docs/guarantees.md, with real processes, seeded, with a report.
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startTestServers } from '@parley/testing';
import { buildServices } from './build-services.ts';
import { Random, type Fault } from './fault.ts';
import { Report, type Result } from './report.ts';

const HELP = `npm run torture -- [options]: what Parley promises, under faults, with real processes.

  --only <n,…>     only these faults, by their numbers
  --seed <n>       decides what is left to chance; default: from the clock, and in the report
  --minutes <n>    round after round, each with the next seed, until so many minutes are over; default one round
  --list           the faults
  --help           this

The report goes to .parley/torture/, as text and JSON. Exit code 1: a promise was broken, or a fault could not be tried.`;

// A service's last words may come after its listener has gone.
process.on('unhandledRejection', (error) => {
  console.error('Nobody caught', error);
  process.exit(1);
});

process.exitCode = await main();
// A connection kept open for later must not keep the process.
process.exit();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return say(HELP);
  // First: some faults are made of what the build generates.
  await buildServices();
  const faults = select(await findFaults(), values.only);
  if (values.list) return say(faults.map(({ number, title }) => `${number}  ${title}`).join('\n'));
  const seed = values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed);
  const minutes = Number(values.minutes ?? 0);
  if (!Number.isInteger(seed) || !Number.isFinite(minutes))
    throw new Error('--seed and --minutes take numbers');

  console.log(`Seed ${seed}: ${faults.length} faults`);
  const servers = await startTestServers();
  Object.assign(process.env, servers.env);
  const report = new Report(seed);
  const stop = async (): Promise<void> => {
    report.write();
    await servers.stop();
  };
  // Faults stop what they started; after a Ctrl-C that goes with us.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void stop().then(() => process.exit(130)));
  }
  const end = Date.now() + minutes * 60_000;
  let round = 0;
  do {
    for (const fault of faults) report.add(await attempt(fault, seed + round));
    round += 1;
  } while (Date.now() < end);
  await stop();
  console.log(report.text());
  return report.failed ? 1 : 0;
}

async function attempt(fault: Fault, seed: number): Promise<Result> {
  const { number, title } = fault;
  const begun = Date.now();
  console.log(`\n${number}. ${title}`);
  // Of its own, so that --only repeats what the whole run did.
  const random = new Random(seed * 1_000 + number);
  const log = (line: string): void => console.log(`  ${seconds(begun)} s  ${line}`);
  const about = { number, title, seed };
  try {
    const { calls, violations, measured = {} } = await fault.run({ random, log });
    log(violations.length === 0 ? 'every promise held' : `${violations.length} violations`);
    for (const { name, text } of violations) log(`${name}: ${text}`);
    return { ...about, seconds: seconds(begun), calls, violations, measured };
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log(`could not be tried: ${failure}`);
    return { ...about, seconds: seconds(begun), calls: {}, violations: [], measured: {}, failure };
  }
}

/** One file per fault, so that adding one needs no list. */
async function findFaults(): Promise<Fault[]> {
  const files = readdirSync(new URL('.', import.meta.url)).filter((name) => /^fault-\d+\.ts$/.test(name));
  const modules = await Promise.all(files.map((name) => import(new URL(name, import.meta.url).href)));
  return modules
    .map((module) => (module as { fault: Fault }).fault)
    .sort((one, two) => one.number - two.number);
}

function select(faults: Fault[], only: string | undefined): Fault[] {
  if (only === undefined) return faults;
  return only.split(',').map((number) => {
    const fault = faults.find((candidate) => candidate.number === Number(number));
    if (!fault) throw new Error(`There is no fault ${number}. --list names those there are.`);
    return fault;
  });
}

function seconds(begun: number): number {
  return Math.round((Date.now() - begun) / 1_000);
}

function say(text: string): number {
  console.log(text);
  return 0;
}
