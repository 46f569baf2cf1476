import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Sees each line of stdout as it comes. */
  onLine?: (line: string) => void;
  /** When aborted, the command and what it started are ended. */
  signal?: AbortSignal;
}

/** A command that failed; `output` is what it wrote, stdout and stderr together. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly output: string;

  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}

/** From asking an aborted command to end, to ending it by force. */
const ABORT_GRACE_MS = 3_000;

/**
 * Runs a command to its end.
 * @returns its stdout
 * @throws CommandError when it cannot be started or exits with another code than 0; the signal's reason when aborted
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { signal } = options;
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C in a terminal reaches only us, and we can end it with its children.
    detached: true,
  });
  const output: string[] = [];
  const stdout: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    output.push(line);
    stdout.push(line);
    options.onLine?.(line);
  });
  createInterface({ input: child.stderr }).on('line', (line) => output.push(line));

  let forced: NodeJS.Timeout | undefined;
  const end = (): void => {
    // Asked first: Nx, for one, starts process groups of its own and ends them itself.
    killGroup(child.pid, 'SIGTERM');
    forced = setTimeout(() => killGroup(child.pid, 'SIGKILL'), ABORT_GRACE_MS);
  };
  signal?.addEventListener('abort', end, { once: true });
  try {
    const failure = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, killedBy) =>
        resolve(code === 0 ? undefined : `exit ${code === null ? `by ${killedBy}` : `code ${code}`}`),
      );
    });
    signal?.throwIfAborted();
    if (failure !== undefined) throw new CommandError(`${command}: ${failure}`, output.join('\n'));
    return stdout.join('\n');
  } finally {
    signal?.removeEventListener('abort', end);
    clearTimeout(forced);
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended in between.
  }
}
