import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { stopLeftover } from '@parley/local-servers';
import { readJson, writePrivateJson } from './private-file.ts';

export interface ProcessRecord {
  name: string;
  stage: string;
  pid: number;
  /** Parts of its command line: it is only taken for ours when it has them all. */
  marks: string[];
}

/** Keeps who runs in $PARLEY_HOME/processes.json, so that the next run can stop them if this one is killed. */
export function recordProcesses(home: string, records: readonly ProcessRecord[]): void {
  writePrivateJson(fileIn(home), records);
}

/** To be called when all have ended. */
export function forgetProcesses(home: string): void {
  rmSync(fileIn(home), { force: true });
}

/**
 * Stops what a killed run left in this home, in reverse order of its start.
 * @returns the names of what was stopped
 */
export async function stopLeftovers(home: string): Promise<string[]> {
  const records = (readJson(fileIn(home)) ?? []) as ProcessRecord[];
  const stopped: string[] = [];
  for (const { name, pid, marks, stage } of records.toReversed()) {
    // SIGINT: Postgres takes SIGTERM as "wait for every client to leave".
    const options = stage === 'postgres' ? ({ signal: 'SIGINT', graceMs: 20_000 } as const) : {};
    if (await stopLeftover(pid, marks, options)) stopped.push(name);
  }
  forgetProcesses(home);
  return stopped;
}

function fileIn(home: string): string {
  return join(home, 'processes.json');
}
