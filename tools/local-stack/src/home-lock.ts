import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
  const own = `${file}.${process.pid}`;
  const mine = describe(process.pid);
  // Under another name first, so that nobody finds it half written.
  writeFileSync(own, mine, { mode: 0o600 });
  try {
    while (!tryTo(() => linkSync(own, file), 'EEXIST')) {
      const content = contentOf(file);
      const pid = Number.parseInt(content ?? '', 10);
      if (pid !== process.pid && commandLineOf(pid) !== undefined && content === describe(pid)) {
        throw new Error(
          `Parley already runs in ${home} (process ${pid}). Stop it first, or set PARLEY_HOME.`,
        );
      }
      if (content !== undefined) removeLeftover(file, content);
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (contentOf(file) === mine) rmSync(file, { force: true });
  };
}

/**
 * A lock that a killed run left behind, with this content. Of two processes that find it, one moves it; what the other moves is that
 * one's own, and is put back.
 */
export function removeLeftover(file: string, content: string): void {
  const moved = `${file}.${process.pid}.old`;
  if (!tryTo(() => renameSync(file, moved), 'ENOENT')) return;
  if (contentOf(moved) !== content) tryTo(() => linkSync(moved, file), 'EEXIST');
  rmSync(moved, { force: true });
}

/** Which process that is: an id alone may have gone to another one. */
function describe(pid: number): string {
  return `${pid}\n${commandLineOf(pid)}\n`;
}

function contentOf(file: string): string | undefined {
  let content: string | undefined;
  tryTo(() => (content = readFileSync(file, 'utf8')), 'ENOENT');
  return content;
}

/** Whether it worked. Fails with any error but that one. */
function tryTo(work: () => void, expected: string): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (errorCode(error) !== expected) throw error;
    return false;
  }
}
