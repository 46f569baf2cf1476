import { lastLines } from '@parley/local-servers';
import type { StartedProcess } from '@parley/local-servers';
import { forgetProcesses, recordProcesses } from './leftovers.ts';

/** Processes of a stage start after those of the stages before it and stop before them. */
export const STAGES = ['postgres', 'nats', 'contact and flow-catalog', 'session', 'gateway'] as const;

export type Stage = (typeof STAGES)[number];

interface Member {
  stage: Stage;
  process: StartedProcess;
  /** Parts of its command line by which the next run recognises it, should this one be killed. */
  marks: readonly string[];
}

/** Keeps the processes of a stack: when one ends by itself, the stack is halted. */
export class Supervisor {
  readonly #home: string;
  readonly #halt = new AbortController();
  readonly #members = new Map<string, Member>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Aborted when the stack must stop; its reason is an Error that says why. */
  get halted(): AbortSignal {
    return this.#halt.signal;
  }

  /** Says that the stack must stop. Only the first reason counts. */
  halt(reason: unknown): void {
    this.#halt.abort(reason);
  }

  /** Takes charge of a process, in place of the one of that name. */
  add(stage: Stage, process: StartedProcess, marks: readonly string[]): void {
    this.#members.set(process.name, { stage, process, marks });
    this.#record();
    void process.exited.then(({ code, signal, expected }) => {
      if (expected) return;
      const how = signal === null ? `exit code ${code}` : signal;
      const log = lastLines(process.logFile, 20).map((line) => `  ${line}`);
      this.halt(
        new Error(
          [`${process.name} ended unexpectedly (${how}).`, `${process.logFile} ends:`, ...log].join('\n'),
        ),
      );
    });
  }

  /** The process of that name. */
  get(name: string): StartedProcess {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`There is no process ${name}`);
    return member.process;
  }

  /** All processes, in the order they were started in. */
  list(): StartedProcess[] {
    return [...this.#members.values()].map(({ process }) => process);
  }

  /** Does things at the same time. When one fails, the stack is halted, and the others are waited for. */
  async together(...tasks: (() => Promise<unknown>)[]): Promise<void> {
    const guarded = tasks.map(async (task) => {
      try {
        await task();
      } catch (error) {
        this.halt(error);
      }
    });
    await Promise.all(guarded);
    this.halted.throwIfAborted();
  }

  /** Stops every process, last stage first. */
  async stop(): Promise<void> {
    for (const stage of STAGES.toReversed()) {
      const members = [...this.#members.values()].filter((member) => member.stage === stage);
      await Promise.all(members.map(({ process }) => process.stop()));
    }
    forgetProcesses(this.#home);
  }

  /** Ends every process at once. */
  async kill(): Promise<void> {
    await Promise.all(this.list().map((process) => process.kill()));
  }

  #record(): void {
    const records = [...this.#members.values()].map(({ stage, process, marks }) => ({
      name: process.name,
      stage,
      pid: process.pid,
      marks: [...marks],
    }));
    recordProcesses(this.#home, records);
  }
}
