import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { joinCoverage, type FlowCoverage } from '@parley/flow-engine';
import { coverageLines } from './coverage-report.ts';
import { compileFlowFile, readFlowFile } from './flow-file.ts';
import { runScenario } from './run-scenario.ts';
import { readScenarioFile } from './scenario-file.ts';

const SEED = fileURLToPath(new URL('../../local-stack/seed', import.meta.url));
const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder).filter((file) => file.endsWith(ending));

const files = filesIn(join(SEED, 'scenarios'), '.yaml').map((file) =>
  readScenarioFile(join(SEED, 'scenarios', file)),
);

it('every seeded flow has scenarios', () => {
  expect(files.map(({ flow }) => basename(flow)).sort()).toEqual(filesIn(SEED, '.json').sort());
});

describe.each(files)('the scenarios of $flow', ({ flow: path, scenarios }) => {
  const flow = compileFlowFile(readFlowFile(path));

  it.each(scenarios)('$name', (scenario) => {
    expect(runScenario(flow, scenario).differences).toEqual([]);
  });

  it('cover every node and every handle', () => {
    const [first, ...others] = scenarios.map((scenario) => runScenario(flow, scenario).simulation.coverage);
    const coverage: FlowCoverage = joinCoverage([first!, ...others]);
    expect(coverageLines('flow', coverage).filter((line) => line.includes('not covered'))).toEqual([]);
  });
});
