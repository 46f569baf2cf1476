import { messageOf } from '@parley/errors';
import type { Logger } from './logger.ts';

/** Another reason for a row of failures is said at most so often … */
const NEW_REASON_MS = 5_000;
/** … and one that stays again after this. */
const SAME_REASON_MS = 300_000;

/**
 * Does a piece of work again and again: at once when woken, else after a pause. One run at a time. A run that fails is
 * logged and tried again after the pause; of a row of failures the log names the first, what comes to be another reason, every five
 * minutes what stays, and the recovery.
 */
export class BackgroundLoop {
  private readonly name: string;
  private readonly pauseMs: number;
  private readonly work: () => Promise<boolean>;
  private readonly logger: Logger;
  private running: Promise<void> | undefined;
  private stopping = false;
  private wakeUps = 0;
  private failing = false;
  /** The reason that was said last, and when. */
  private said = { message: '', at: 0 };
  private endPause: (() => void) | undefined;

  /** work answers whether there is more to do at once. */
  constructor(options: { name: string; pauseMs: number; work: () => Promise<boolean>; logger: Logger }) {
    this.name = options.name;
    this.pauseMs = options.pauseMs;
    this.work = options.work;
    this.logger = options.logger;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Ends the pause, so that the next run begins at once. */
  wake(): void {
    this.wakeUps += 1;
    if (!this.failing) this.endPause?.();
  }

  /** Finishes the run under way, then ends. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.endPause?.();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const wakeUps = this.wakeUps;
      const result = await this.runOnce();
      // A wake-up does not shorten the pause after a failure: what failed would fail again.
      if (result === 'failed' || (result === 'done' && this.wakeUps === wakeUps)) await this.pause();
    }
  }

  private async runOnce(): Promise<'more' | 'done' | 'failed'> {
    try {
      const more = await this.work();
      if (this.failing) this.logger.log(`${this.name} works again`);
      this.failing = false;
      return more ? 'more' : 'done';
    } catch (error) {
      this.note(error);
      return 'failed';
    }
  }

  private note(error: unknown): void {
    const reason = reasonOf(error);
    const silence = performance.now() - this.said.at;
    if (!this.failing || silence > (reason === this.said.message ? SAME_REASON_MS : NEW_REASON_MS)) {
      this.logger.warn(`${this.name} failed; trying again until it works`, { error });
      this.said = { message: reason, at: performance.now() };
    }
    this.failing = true;
  }

  private async pause(): Promise<void> {
    if (this.stopping) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.pauseMs);
    this.endPause = resolve;
    await promise;
    clearTimeout(timer);
    this.endPause = undefined;
  }
}

/** With its cause: the error itself may say no more than that something is away. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? `${messageOf(error)}: ${messageOf(error.cause)}` : messageOf(error);
}
