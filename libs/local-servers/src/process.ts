import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface StartProcessOptions {
  /** For messages. */
  name: string;
  command: string;
  args: readonly string[];
  /** The whole environment; default: this process's. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Takes stdout and stderr; appended to, and its folder created. */
  logFile: string;
  /** Asks the process to end; default SIGTERM. */
  stopSignal?: NodeJS.Signals;
  /** From the stop signal to the kill signal; default 10,000 ms. */
  stopGraceMs?: number;
  /** Ends it at once; default SIGKILL, to its whole process group. */
  killSignal?: NodeJS.Signals;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** False when it ended although nobody called stop or kill. */
  expected: boolean;
}

export interface StartedProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Asks the process to end, and ends it by force when it takes too long. May be called any number of times. */
  stop(): Promise<void>;
  /** Ends the process at once. */
  kill(): Promise<void>;
}

/** Those that run, and what asks each to end. */
const running = new Map<ChildProcess, NodeJS.Signals>();

/** After the kill signal, for those that are not SIGKILL. */
const KILL_GRACE_MS = 8_000;

/**
 * Starts a process that runs until it is stopped. It gets its own process group, so that a Ctrl-C in a terminal
 * reaches only us, who then stop things in order. When we end without that, it is asked to end all the same.
 * @throws Error when the command cannot be started
 */
export async function startProcess(options: StartProcessOptions): Promise<StartedProcess> {
  const { name, logFile, stopSignal = 'SIGTERM', stopGraceMs = 10_000, killSignal = 'SIGKILL' } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  let stopping = false;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, expected: stopping }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${name} could not be started: ${error.message}`)));
  });
  const pid = child.pid as number;
  if (running.size === 0) process.on('exit', endAll);
  running.set(child, stopSignal);
  void exited.then(() => {
    running.delete(child);
    if (running.size === 0) process.off('exit', endAll);
  });

  const endsWithin = async (ms: number): Promise<boolean> => {
    const timer = new AbortController();
    const timeUp = sleep(ms, false, { signal: timer.signal }).catch(() => false);
    const ended = await Promise.race([exited.then(() => true), timeUp]);
    timer.abort();
    return ended;
  };
  const kill = async (): Promise<void> => {
    stopping = true;
    if (killSignal !== 'SIGKILL') {
      child.kill(killSignal);
      if (await endsWithin(KILL_GRACE_MS)) return;
    }
    if (child.exitCode === null && child.signalCode === null) killGroup(pid);
    await exited;
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    child.kill(stopSignal);
    if (!(await endsWithin(stopGraceMs))) await kill();
  };
  let stopped: Promise<void> | undefined;
  return { name, pid, logFile, exited, stop: () => (stopped ??= stop()), kill };
}

function endAll(): void {
  for (const [child, signal] of running) child.kill(signal);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}
