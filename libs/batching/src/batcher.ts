import { unavailable, type DomainError } from '@parley/errors';

export interface BatcherOptions<Item, Result> {
  /** What is batched, for messages. */
  name: string;
  /** Items in one batch, at most. */
  maxItems: number;
  /** Bytes in one batch, at most, as sizeOf counts them; an item larger than that leaves alone. */
  maxBytes: number;
  /** About how many bytes an item takes in the batch. */
  sizeOf: (item: Item) => number;
  /** Batches under way at the same time, at most. What arrives meanwhile forms the next one. */
  maxInFlight: number;
  /**
   * How many items must wait before another batch leaves beside one that is under way. Small batches cost nearly as much
   * as large ones, so it pays to let them grow; what waits for it leaves with the next batch in any case. Default 1.
   */
  minItemsBeside?: number;
  /** Items waiting for a batch, at most; one more is refused at once. */
  maxWaiting: number;
  /**
   * Does the work: one result or error per item, in their order. deadline is the latest of the items' deadlines, in
   * milliseconds since the epoch. When it fails as a whole, every item of the batch fails with that error.
   */
  run: (items: Item[], deadline: number) => Promise<(Result | DomainError)[]>;
}

/** Node's timers take no more, and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Entry<Item, Result> {
  item: Item;
  deadline: number;
  isCancelled: () => boolean;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
  settled: boolean;
}

/**
 * Natural batching: an idle system sends an item at once, alone; a busy one forms larger batches by itself, because
 * items that arrive while all batches are under way leave together. Each item keeps its own outcome and its own
 * deadline. Memory is bounded by maxWaiting and by the batches under way.
 */
export class Batcher<Item, Result> {
  private readonly options: BatcherOptions<Item, Result>;
  private readonly waiting: Entry<Item, Result>[] = [];
  /**
   * Batches under way. Arrays, and no Set of entries: V8 makes a Set that thousands pass through a new table each few hundred,
   * and each old table knows the next, so that one of them in old space keeps all later ones, and with them their
   * requests, until V8 collects everything.
   */
  private readonly underWay: Entry<Item, Result>[][] = [];
  /** Fires at the first deadline. One for all: most items have their outcome long before theirs. */
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private scheduled = false;

  constructor(options: BatcherOptions<Item, Result>) {
    this.options = options;
  }

  /**
   * The item's result. deadline: when its caller stops waiting, in milliseconds since the epoch. Fails with the item's
   * own error, or UNAVAILABLE when the deadline passes or too many wait already. isCancelled: whether its caller has gone;
   * asked when its batch leaves, which is then without it.
   */
  submit(item: Item, deadline: number, isCancelled: () => boolean = never): Promise<Result> {
    const { name, maxWaiting } = this.options;
    if (this.waiting.length >= maxWaiting) return Promise.reject(unavailable(`Too many wait for ${name}`));
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.waiting.push({ item, deadline, isCancelled, resolve, reject, settled: false });
    if (deadline < this.timerAt) this.setTimer(deadline);
    this.schedule();
    return promise;
  }

  private setTimer(at: number): void {
    clearTimeout(this.timer);
    this.timerAt = at;
    // Whoever waits holds the process by something else.
    const wait = Math.min(Math.max(0, at - Date.now()), MAX_TIMER_MS);
    this.timer = setTimeout(() => this.rejectLate(), wait).unref();
  }

  private rejectLate(): void {
    this.timerAt = Infinity;
    const now = Date.now();
    let next = Infinity;
    for (const entry of [this.waiting, ...this.underWay].flat()) {
      if (entry.settled) continue;
      if (entry.deadline > now) next = Math.min(next, entry.deadline);
      else this.fail(entry, unavailable(`${this.options.name} took too long`));
    }
    if (next < Infinity) this.setTimer(next);
  }

  private fail(entry: Entry<Item, Result>, error: unknown): void {
    entry.settled = true;
    entry.reject(error);
  }

  /** After the events at hand, so that what they bring leaves together. */
  private schedule(): void {
    if (this.scheduled || !this.mayLeave()) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      while (this.mayLeave()) void this.sendBatch();
    });
  }

  private mayLeave(): boolean {
    const { maxInFlight, minItemsBeside = 1 } = this.options;
    if (this.underWay.length === 0) return this.waiting.length > 0;
    return this.underWay.length < maxInFlight && this.waiting.length >= minItemsBeside;
  }

  /** How many of the waiting items fit into one batch; at least one. */
  private nextBatchLength(): number {
    const { maxItems, maxBytes, sizeOf } = this.options;
    let bytes = 0;
    const end = this.waiting.findIndex(({ item }, index) => {
      bytes += sizeOf(item);
      return index === maxItems || (bytes > maxBytes && index > 0);
    });
    return end === -1 ? this.waiting.length : end;
  }

  /** One whose caller waits no more fails here: no longer waiting and in no batch, it would be found by nobody. */
  private isWaitedFor(entry: Entry<Item, Result>): boolean {
    const { name } = this.options;
    if (entry.isCancelled()) this.fail(entry, unavailable(`The caller of ${name} has gone`));
    else if (entry.deadline <= Date.now()) this.fail(entry, unavailable(`${name} took too long`));
    return !entry.settled;
  }

  private async sendBatch(): Promise<void> {
    const batch = this.waiting.splice(0, this.nextBatchLength()).filter((entry) => this.isWaitedFor(entry));
    if (batch.length === 0) return;
    this.underWay.push(batch);
    try {
      this.settle(
        batch,
        await this.options.run(
          batch.map((entry) => entry.item),
          latestDeadline(batch),
        ),
      );
    } catch (error) {
      for (const entry of batch) this.fail(entry, error);
    }
    this.underWay.splice(this.underWay.indexOf(batch), 1);
    if (this.waiting.length > 0) this.schedule();
  }

  private settle(batch: Entry<Item, Result>[], results: (Result | DomainError)[]): void {
    if (results.length !== batch.length)
      throw new Error(`${batch.length} items gave ${results.length} results`);
    for (const [index, entry] of batch.entries()) {
      const result = results[index]!;
      entry.settled = true;
      if (result instanceof Error) entry.reject(result);
      else entry.resolve(result);
    }
  }
}

const never = (): boolean => false;

function latestDeadline<Item, Result>(batch: Entry<Item, Result>[]): number {
  return batch.reduce((latest, entry) => Math.max(latest, entry.deadline), 0);
}
