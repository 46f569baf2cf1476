import { BackgroundLoop, type Logger } from '@parley/service';
import { CallPlaces } from './call-places.ts';
import type { HttpCaller } from './http-caller.ts';
import type { SessionRunner } from './session-runner.ts';
import {
  findDueRequests,
  giveBackRequest,
  postponeRequest,
  takeRequests,
  type DueRequest,
  type TakenRequest,
} from './waiting-sessions.ts';
import type { Database } from '@parley/postgres';

/** How often the table is asked. */
const INTERVAL_MS = 250;
/** Due requests looked at together. */
const MAX_FOUND = 2_000;
const MAX_ATTEMPTS = 3;
/** Before the second and third attempt. */
const BACKOFF_MS = [1_000, 4_000];
/** Longer than the longest request takes. */
const TAKEN_SECONDS = 60;

/**
 * Makes the HTTP requests that sessions wait for, between their transactions, oldest first as there are places for them. One
 * is taken for a while before it is made; a replica that dies with it leaves it to be made again, with the same Idempotency-Key.
 */
export class HttpRequests {
  private readonly database: Database;
  private readonly runner: SessionRunner;
  private readonly caller: HttpCaller;
  private readonly logger: Logger;
  private readonly loop: BackgroundLoop;
  private readonly places = new CallPlaces();
  private readonly calls = new Set<Promise<void>>();
  /** Of those that were due at the last look, oldest first, the ones that had no place yet. */
  private found: DueRequest[] = [];
  private lookAgainAt = 0;
  /** The last one of a look in which none of so many had a place: the next look begins behind it. Else with the oldest. */
  private after: DueRequest | undefined;
  /** From then on calls fail because this process ends. */
  private isCut = false;

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

  /** Waits for the requests under way at most as long as a process may take to end; what is left is made again, by others at once. */
  async stop(graceMs: number): Promise<void> {
    await this.loop.stop();
    await Promise.race([
      Promise.all(this.calls),
      new Promise((resolve) => setTimeout(resolve, graceMs).unref()),
    ]);
    this.isCut = true;
    await this.caller.close();
    await Promise.all(this.calls);
  }

  private async makeSome(): Promise<boolean> {
    const looks = performance.now() >= this.lookAgainAt;
    if (looks) await this.look();
    const last = this.found.length === MAX_FOUND ? this.found.at(-1) : undefined;
    const [chosen, left]: [DueRequest[], DueRequest[]] = [[], []];
    for (const request of this.found) (this.places.take(request) ? chosen : left).push(request);
    this.found = left;
    if (looks) this.after = chosen.length === 0 ? last : undefined;
    if (chosen.length > 0) await this.begin(chosen);
    return false;
  }

  private async look(): Promise<void> {
    this.lookAgainAt = performance.now() + INTERVAL_MS;
    this.found = await findDueRequests(this.database, MAX_FOUND, this.after);
  }

  /** Takes requests that have a place, and makes them. */
  private async begin(chosen: DueRequest[]): Promise<void> {
    const places = new Map(chosen.map((request) => [request.id, request]));
    try {
      for (const taken of await takeRequests(this.database, chosen, TAKEN_SECONDS)) {
        const place = places.get(taken.id)!;
        places.delete(taken.id);
        const call = this.make(taken)
          .catch((error: unknown) =>
            this.logger.error('A request of a flow could not be answered', { error }),
          )
          .finally(() => {
            this.calls.delete(call);
            this.places.leave(place);
            if (this.found.length > 0) this.loop.wake();
          });
        this.calls.add(call);
      }
    } finally {
      // Another replica has taken these, or nobody waits for them any more.
      for (const place of places.values()) this.places.leave(place);
    }
  }

  private async make(taken: TakenRequest): Promise<void> {
    const { wait, attempt } = taken;
    if (wait.kind !== 'http') return;
    // Those before have died with it.
    if (attempt > MAX_ATTEMPTS) {
      return this.runner.answer(taken, wait.id, { error: 'the request was begun and never finished' });
    }
    const { answer, retryable } = await this.caller.call(wait.request);
    if (this.isCut && 'error' in answer && retryable) return giveBackRequest(this.database, taken);
    const pause = BACKOFF_MS[attempt - 1];
    if (retryable && pause !== undefined) await postponeRequest(this.database, taken, pause);
    else await this.runner.answer(taken, wait.id, answer);
  }
}
