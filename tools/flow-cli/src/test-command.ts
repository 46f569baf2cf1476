import { parseArgs } from 'node:util';
import { joinCoverage, type CompiledFlow, type FlowCoverage } from '@parley/flow-engine';
import { CommandError } from './command-error.ts';
import { coverageLines, percentOf } from './coverage-report.ts';
import { pathOf, shown } from './file-paths.ts';
import { compileFlowFile, readFlowFile } from './flow-file.ts';
import { runScenario } from './run-scenario.ts';
import { readScenarioFile } from './scenario-file.ts';

export const TEST_HELP = `npm run flow -- test <scenario.yaml…> [options]: plays scenarios with the engine that sessions run on, without a stack.

  --coverage           also which nodes and handles of each flow the scenarios do not reach, all files taken together
  --min-coverage <n>   fails where they reach less than n percent of a flow; shows the coverage

The exit code is 1 where a scenario does not come out as expected. docs/flows.md describes the files.`;

/** A flow that scenarios play, and what they covered so far. */
interface Played {
  flow: CompiledFlow;
  coverage: FlowCoverage | undefined;
}

export function runTest(args: string[]): number {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { coverage: { type: 'boolean', default: false }, 'min-coverage': { type: 'string' } },
  });
  if (positionals.length === 0) throw new CommandError('Which files? See npm run flow -- test --help.');
  const least = readPercent(values['min-coverage']);

  const flows = new Map<string, Played>();
  const failed = positionals.map((argument) => runFile(pathOf(argument), flows)).filter((passed) => !passed);
  let isCovered = true;
  for (const [path, { coverage }] of values.coverage || least !== undefined ? flows : []) {
    if (!coverage) continue;
    console.log(coverageLines(shown(path), coverage).join('\n'));
    isCovered &&= percentOf(coverage) >= (least ?? 0);
  }
  if (!isCovered) console.error(`Less than ${least} % of a flow is covered.`);
  return failed.length === 0 && isCovered ? 0 : 1;
}

/** Whether all scenarios of a file pass. */
function runFile(path: string, flows: Map<string, Played>): boolean {
  console.log(shown(path));
  try {
    const { flow: flowPath, scenarios } = readScenarioFile(path);
    const played = flows.get(flowPath) ?? {
      flow: compileFlowFile(readFlowFile(flowPath)),
      coverage: undefined,
    };
    flows.set(flowPath, played);
    const passed = scenarios.map((scenario) => {
      const { simulation, differences } = runScenario(played.flow, scenario);
      const { coverage } = simulation;
      played.coverage = played.coverage ? joinCoverage([played.coverage, coverage]) : coverage;
      console.log(`  ${differences.length === 0 ? 'passed' : 'FAILED'}  ${scenario.name}`);
      for (const line of differences) console.log(`            ${line}`);
      return differences.length === 0;
    });
    return passed.every(Boolean);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    return false;
  }
}

function readPercent(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const percent = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (percent <= 100) return percent;
  throw new CommandError(`--min-coverage takes a whole number from 0 to 100, not "${text}".`);
}
