import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLineOf, errorCode } from '@parley/local-servers';

/**
 * Makes this process the only one that runs a stack in this home.
 * @returns gives the home free again
 * @throws Error naming the process that runs a stack in it
 */
export function lockHome(home: string): () => void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = join(home, 'supervisor.pid');
  const describe = (pid: number): string => `${pid}\n${commandLineOf(pid)}\n`;
  for (;;) {
    try {
      writeFileSync(file, describe(process.pid), { flag: 'wx', mode: 0o600 });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    const content = readFileSync(file, 'utf8');
    const pid = Number.parseInt(content, 10);
    // Left behind by a killed run, unless the process still is what it was.
    if (pid !== process.pid && commandLineOf(pid) !== undefined && content === describe(pid)) {
      throw new Error(`Parley already runs in ${home} (process ${pid}). Stop it first, or set PARLEY_HOME.`);
    }
    rmSync(file, { force: true });
  }
}
