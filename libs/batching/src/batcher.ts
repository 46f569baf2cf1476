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

interface Entry<Item, Result> {
  item: Item;
  deadline: number;
  isCancelled: () => boolean;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Natural batching: an idle system sends an item at once, alone; a busy one forms larger batches by itself, because
 * items that arrive while all batches are under way leave together. Each item keeps its own outcome and its own
 * deadline. Memory is bounded by maxWaiting and by the batches under way.
 */
export class Batcher<Item, Result> {
  private readonly options: BatcherOptions<Item, Result>;
  private waiting: Entry<Item, Result>[] = [];
  /** Those that have no outcome yet. */
  private readonly open = new Set<Entry<Item, Result>>();
  /** Fires at the first deadline. One for all: most items have their outcome long before theirs. */
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private inFlight = 0;
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
    const entry = { item, deadline, isCancelled, resolve, reject };
    this.waiting.push(entry);
    this.open.add(entry);
    if (deadline < this.timerAt) this.setTimer(deadline);
    this.schedule();
    return promise;
  }

  private setTimer(at: number): void {
    clearTimeout(this.timer);
    this.timerAt = at;
    // Whoever waits holds the process by something else.
    this.timer = setTimeout(() => this.rejectLate(), Math.max(0, at - Date.now())).unref();
  }

  private rejectLate(): void {
    this.timerAt = Infinity;
    const now = Date.now();
    let next = Infinity;
    for (const entry of this.open) {
      if (entry.deadline > now) next = Math.min(next, entry.deadline);
      else this.fail(entry, unavailable(`${this.options.name} took too long`));
    }
    if (next < Infinity) this.setTimer(next);
  }

  private fail(entry: Entry<Item, Result>, error: unknown): void {
    this.open.delete(entry);
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
    if (this.inFlight === 0) return this.waiting.length > 0;
    return this.inFlight < maxInFlight && this.waiting.length >= minItemsBeside;
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

  private isWaitedFor(entry: Entry<Item, Result>): boolean {
    if (!entry.isCancelled()) return entry.deadline > Date.now();
    this.fail(entry, unavailable(`The caller of ${this.options.name} has gone`));
    return false;
  }

  private async sendBatch(): Promise<void> {
    const batch = this.waiting.splice(0, this.nextBatchLength()).filter((entry) => this.isWaitedFor(entry));
    if (batch.length === 0) return;
    this.inFlight += 1;
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
    this.inFlight -= 1;
    if (this.waiting.length > 0) this.schedule();
  }

  private settle(batch: Entry<Item, Result>[], results: (Result | DomainError)[]): void {
    if (results.length !== batch.length)
      throw new Error(`${batch.length} items gave ${results.length} results`);
    for (const [index, entry] of batch.entries()) {
      const result = results[index]!;
      this.open.delete(entry);
      if (result instanceof Error) entry.reject(result);
      else entry.resolve(result);
    }
  }
}

const never = (): boolean => false;

function latestDeadline<Item, Result>(batch: Entry<Item, Result>[]): number {
  return batch.reduce((latest, entry) => Math.max(latest, entry.deadline), 0);
}
