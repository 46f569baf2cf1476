import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { errorCode } from './error-code.ts';
import { pollUntil } from './poll.ts';

export interface StopLeftoverOptions {
  /** Default SIGTERM. */
  signal?: NodeJS.Signals;
  /** Until SIGKILL; default 10,000 ms. */
  graceMs?: number;
}

/**
 * The command line of a running process, its arguments joined by blanks. Undefined when there is no such process,
 * or when it has ended and merely waits to be collected.
 */
export function commandLineOf(pid: number): string | undefined {
  let text: string;
  try {
    text =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        : execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
  return text.trim() === '' ? undefined : text.trim();
}

/**
 * Stops a process that a former run left behind. A process id is given again to others after a while, so it is
 * only ever stopped when its command line holds every one of `marks`.
 * @returns whether such a process ran
 * @throws Error when it does not end
 */
export async function stopLeftover(
  pid: number,
  marks: readonly string[],
  options: StopLeftoverOptions = {},
): Promise<boolean> {
  const isOurs = (): boolean => {
    const commandLine = commandLineOf(pid);
    return commandLine !== undefined && marks.every((mark) => commandLine.includes(mark));
  };
  const goneWithin = (timeoutMs: number): Promise<true | undefined> =>
    pollUntil(() => (isOurs() ? undefined : true), { timeoutMs });

  if (!isOurs()) return false;
  send(pid, options.signal ?? 'SIGTERM');
  if (await goneWithin(options.graceMs ?? 10_000)) return true;
  send(pid, 'SIGKILL');
  if (await goneWithin(5_000)) return true;
  throw new Error(`Process ${pid}, left behind by a former run, does not end: ${commandLineOf(pid) ?? ''}`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return;
    throw error;
  }
}
