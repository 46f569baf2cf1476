import { BackgroundLoop, type Logger } from '@parley/service';
import type { HttpCaller } from './http-caller.ts';
import type { SessionRunner } from './session-runner.ts';
import { postponeRequest, takeRequests, type TakenRequest } from './waiting-sessions.ts';
import type { Database } from '@parley/postgres';

/** How often the table is asked. */
const INTERVAL_MS = 250;
/** Requests under way at once, in one replica. */
const MAX_CALLS = 50;
const MAX_ATTEMPTS = 3;
/** Before the second and third attempt. */
const BACKOFF_MS = [1_000, 4_000];
/** Longer than the longest request takes. */
const TAKEN_SECONDS = 60;

/**
 * Makes the HTTP requests that sessions wait for, between their transactions. One is taken for a while before it is made;
 * a replica that dies with it leaves it to be made again, with the same Idempotency-Key.
 */
export class HttpRequests {
  private readonly database: Database;
  private readonly runner: SessionRunner;
  private readonly caller: HttpCaller;
  private readonly logger: Logger;
  private readonly loop: BackgroundLoop;
  private readonly calls = new Set<Promise<void>>();

  constructor(database: Database, runner: SessionRunner, caller: HttpCaller, logger: Logger) {
    this.database = database;
    this.runner = runner;
    this.caller = caller;
    this.logger = logger;
    this.loop = new BackgroundLoop({
      name: 'HTTP requests of flows',
      pauseMs: INTERVAL_MS,
      work: () => this.makeSome(),
      logger,
    });
  }

  start(): void {
    this.loop.start();
  }

  /** Waits for the requests under way at most as long as a process may take to end; what is left is made again. */
  async stop(graceMs: number): Promise<void> {
    await this.loop.stop();
    await Promise.race([
      Promise.all(this.calls),
      new Promise((resolve) => setTimeout(resolve, graceMs).unref()),
    ]);
    await this.caller.close();
  }

  private async makeSome(): Promise<boolean> {
    const room = MAX_CALLS - this.calls.size;
    if (room <= 0) return false;
    const taken = await takeRequests(this.database, room, TAKEN_SECONDS);
    for (const request of taken) {
      const call = this.make(request)
        .catch((error: unknown) => this.logger.error('A request of a flow could not be answered', { error }))
        .finally(() => this.calls.delete(call));
      this.calls.add(call);
    }
    return taken.length === room;
  }

  private async make(taken: TakenRequest): Promise<void> {
    const { wait, attempt } = taken;
    if (wait.kind !== 'http') return;
    // Those before have died with it.
    if (attempt > MAX_ATTEMPTS) {
      return this.runner.answer(taken, wait.id, { error: 'the request was begun and never finished' });
    }
    const { answer, retryable } = await this.caller.call(wait.request);
    const pause = BACKOFF_MS[attempt - 1];
    if (retryable && pause !== undefined) await postponeRequest(this.database, taken, pause);
    else await this.runner.answer(taken, wait.id, answer);
  }
}
