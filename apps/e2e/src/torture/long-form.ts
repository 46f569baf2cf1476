import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError, runCommand } from '@parley/local-servers';
import type { Fault, Findings } from './fault.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const JEST = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');

/** What of jest's --json report is read. */
interface JestReport {
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

/**
 * A fault whose long form is its specs, run with more rounds (PARLEY_TORTURE): those tests of the files that have
 * "fault <number>" in their names. Files are named from the repository's root.
 */
export function longForm(number: number, title: string, files: string[]): Fault {
  return {
    number,
    title,
    run: async ({ random, log }) => {
      const folder = mkdtempSync(join(tmpdir(), 'parley-torture-'));
      const seed = random.between(1, 2 ** 31 - 1);
      try {
        const findings: Findings = { calls: {}, violations: [], measured: { seed } };
        for (const file of files) {
          log(`${file}, seed ${seed}`);
          add(findings, await runSpec(file, number, seed, folder), number);
        }
        return findings;
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

async function runSpec(
  file: string,
  number: number,
  seed: number,
  folder: string,
): Promise<{ report: JestReport; measured: Record<string, number> }> {
  const [output, measured] = [join(folder, 'report.json'), join(folder, 'measured')];
  for (const old of [output, measured]) rmSync(old, { force: true });
  const [, project] = /^((?:apps|libs|tools)\/[\w-]+)\//.exec(file)!;
  const args = [
    '--runInBand',
    '--runTestsByPath',
    join(ROOT, file),
    '-t',
    `fault ${number}\\)`,
    '--json',
    '--forceExit',
  ];
  try {
    await runCommand(
      process.execPath,
      [
        '--experimental-vm-modules',
        '--disable-warning=ExperimentalWarning',
        JEST,
        ...args,
        '--outputFile',
        output,
      ],
      {
        cwd: join(ROOT, project!),
        env: { ...process.env, PARLEY_TORTURE: '1', PARLEY_SEED: String(seed), PARLEY_MEASURED: measured },
      },
    );
  } catch (error) {
    // Tests that fail are in the report.
    if (!(error instanceof CommandError) || !existsSync(output)) throw error;
  }
  const lines = existsSync(measured) ? readFileSync(measured, 'utf8').trim().split('\n') : [];
  return {
    report: JSON.parse(readFileSync(output, 'utf8')) as JestReport,
    measured: Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as Record<string, number>,
  };
}

function add(
  findings: Findings,
  { report, measured }: { report: JestReport; measured: Record<string, number> },
  number: number,
): void {
  Object.assign(findings.measured!, measured);
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  for (const { status, fullName, failureMessages } of tests) {
    // Those of other faults in the same file.
    if (!fullName.includes(`fault ${number})`)) continue;
    const name = `test ${status}`;
    findings.calls[name] = (findings.calls[name] ?? 0) + 1;
    if (status !== 'failed') continue;
    findings.violations.push({ name: `fault ${number}`, text: `${fullName}: ${failureMessages.join('\n')}` });
  }
  for (const { message } of report.testResults) {
    if (tests.length === 0) throw new Error(message);
  }
}
