/** How often a generated test tries: few times in `npm test`, many in `npm run torture`, or as PARLEY_RUNS says. */
export function runs(few: number, many: number): number {
  return Number(process.env['PARLEY_RUNS'] ?? (process.env['PARLEY_TORTURE'] ? many : few));
}

/** The seed of generated tests: the same every time unless PARLEY_SEED says otherwise; a failure names it. */
export const SEED = Number(process.env['PARLEY_SEED'] ?? 20_260_507);
