import { appendFileSync } from 'node:fs';

/** Set by `npm run torture`: tests of faults then try harder and longer. */
const TORTURE = 'PARLEY_TORTURE';
/** Makes what a test draws at random repeatable. */
const SEED = 'PARLEY_SEED';

/** The file that takes what `tell` is told, a JSON object a line. */
const MEASURED = 'PARLEY_MEASURED';

/** How much a test of a fault does: `short` in `npm test`, `long` in `npm run torture`. */
export function effort(short: number, long: number): number {
  return process.env[TORTURE] ? long : short;
}

/** Where random draws begin: PARLEY_SEED, or another in each run. A test that draws names it when it fails. */
export function seed(): number {
  const given = Number(process.env[SEED]);
  return Number.isInteger(given) && given !== 0 ? given : Date.now() % 2 ** 31;
}

/** Random numbers from 0 to below 1, the same for the same seed (Mulberry32). */
export function randomFrom(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Shows what a test has measured; `npm run torture` has it in its report. */
export function tell(what: string, values: Record<string, number>): void {
  console.info(what, values);
  const file = process.env[MEASURED];
  const named = Object.entries(values).map(([name, value]) => [`${what}: ${name}`, value]);
  if (file) appendFileSync(file, `${JSON.stringify(Object.fromEntries(named))}\n`);
}
