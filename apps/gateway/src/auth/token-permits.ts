import { Leases } from './leases.ts';
import type { AskForPermits } from './permit-store.ts';
import { RequestRate } from './request-rate.ts';

/** What a request is told of its token's limit. */
export interface Verdict {
  allowed: boolean;
  /** Requests that are left. */
  remaining: number;
  /** Whole seconds, 0 when allowed. */
  retryAfter: number;
}

/** A request counts for so long. */
const WINDOW_SECONDS = 60;
/** For requests to come a lease holds no more than this part of the limit, and no more permits than that. */
const LEASE_PART = 20;
const MAX_LEASE = 1_000;
/** A slower token has its permits one by one. */
const BUSY_PER_SECOND = 4;
/** The next lease is asked for when so much of this one's time is left. */
const ASK_AHEAD_MS = 250;
/** How long unused permits wait for a question that takes them along. */
const RETURN_AFTER_MS = 200;
/** After a refusal, while another gateway may give back what it does not use. */
const ASK_AGAIN_MS = 1_000;

interface Waiter {
  resolve: (verdict: Verdict) => void;
  reject: (error: unknown) => void;
}

/**
 * One token's permits in this gateway. Requests take them from leases, which the database has counted already; those
 * that find none wait for one question to the database together. A busy token's next lease is asked for ahead, so
 * that nobody waits. What a lease does not use is given back. A refusal is remembered.
 */
export class TokenPermits {
  private readonly tokenId: string;
  private readonly ask: AskForPermits;
  private readonly now: () => number;
  private readonly leases = new Leases();
  private readonly rate = new RequestRate();
  private readonly waiting: Waiter[] = [];
  private limit = 0;
  private asking = false;
  /** The question under way and what follows from it; does not fail. */
  private work: Promise<void> = Promise.resolve();
  /** What the database said was left, and what more is left from dropsAt on. */
  private free = { permits: 0, dropping: 0, dropsAt: 0 };
  private refusal = { limit: 0, until: 0, retryAt: 0 };
  private noAskAheadUntil = 0;
  private returning: NodeJS.Timeout | undefined;

  /** now: milliseconds on a clock that only goes forward. */
  constructor(tokenId: string, ask: AskForPermits, now: () => number = () => performance.now()) {
    this.tokenId = tokenId;
    this.ask = ask;
    this.now = now;
  }

  /** Takes a permit unless the limit (of any 60 s) is reached. Fails as asking for one fails. */
  take(limit: number): Verdict | Promise<Verdict> {
    const now = this.now();
    this.limit = limit;
    this.rate.add(now);
    this.leases.end(now);
    if (this.waiting.length === 0 && this.leases.use()) {
      const verdict = this.allow(now);
      if (this.wantsMore(now)) this.work = this.askAhead(now);
      return verdict;
    }
    if (this.isRefused(now)) return this.refuse(now);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (!this.asking) this.work = this.serve();
    });
  }

  /** Gives back what is not used. */
  async close(): Promise<void> {
    // What it grants is given back, too.
    await this.work;
    clearTimeout(this.returning);
    this.leases.end(Infinity);
    if (this.leases.unused > 0) await this.request(0, 0, false).catch(() => undefined);
  }

  private async serve(): Promise<void> {
    this.asking = true;
    let late = false;
    try {
      while (this.waiting.length > 0) {
        const granted = await this.request(this.waiting.length, this.leaseSize(), late);
        // A lease can be over when it arrives. One for the second to come lasts longer.
        late = this.answerWaiting() === 0 && granted > 0;
      }
    } catch (error) {
      for (const { reject } of this.waiting.splice(0)) reject(error);
    } finally {
      this.asking = false;
      this.returnLater();
    }
  }

  /** Nobody waits for it, but for those who come meanwhile and find nothing left. */
  private async askAhead(now: number): Promise<void> {
    this.asking = true;
    const granted = await this.request(0, this.leaseSize(), this.isEnding(now)).catch(() => 0);
    // Near the limit permits are for those who wait.
    if (granted === 0) this.noAskAheadUntil = this.now() + ASK_AGAIN_MS;
    this.answerWaiting();
    await this.serve();
  }

  private async giveBack(): Promise<void> {
    this.asking = true;
    await this.request(0, 0, false).catch(() => 0);
    await this.serve();
  }

  /** Asks the database. Gives the number of permits it granted. */
  private async request(needed: number, wanted: number, ahead: boolean): Promise<number> {
    const { tokenId, limit } = this;
    const unused = this.leases.startReturn();
    const sent = this.now();
    try {
      const answer = await this.ask({ tokenId, limit, needed, wanted, ahead, unused });
      const { granted, free, dropping, second, validMs, retryMs, mayReturn } = answer;
      // Counted from before the question: the database's second ends then or later.
      const ends = sent + validMs;
      this.free = { permits: free, dropping, dropsAt: ends - (ahead ? 1_000 : 0) };
      if (granted > 0) this.leases.add({ second, ends, left: granted });
      if (retryMs !== null) {
        const received = this.now();
        const retryAt = received + retryMs;
        const until = mayReturn === true ? Math.min(retryAt, received + ASK_AGAIN_MS) : retryAt;
        this.refusal = { limit, until, retryAt };
      }
      return granted;
    } finally {
      // Also when there was no answer: it may have been given back all the same, and must not be twice.
      this.leases.endReturn();
    }
  }

  /** Gives how many were answered. */
  private answerWaiting(): number {
    const now = this.now();
    this.leases.end(now);
    let answered = 0;
    for (const { resolve } of this.waiting) {
      if (this.leases.use()) resolve(this.allow(now));
      else if (this.isRefused(now)) resolve(this.refuse(now));
      else break;
      answered += 1;
    }
    this.waiting.splice(0, answered);
    return answered;
  }

  private allow(now: number): Verdict {
    const { permits, dropping, dropsAt } = this.free;
    const free = permits + (now >= dropsAt ? dropping : 0);
    return { allowed: true, remaining: free + this.leases.usable + this.leases.unused, retryAfter: 0 };
  }

  private isRefused(now: number): boolean {
    return this.refusal.limit === this.limit && now < this.refusal.until;
  }

  private refuse(now: number): Verdict {
    // Permits granted ahead count for up to a second more; it is never far from a minute.
    const retryAfter = Math.min(WINDOW_SECONDS, Math.ceil((this.refusal.retryAt - now) / 1_000));
    return { allowed: false, remaining: 0, retryAfter };
  }

  private wantsMore(now: number): boolean {
    if (this.asking || now < this.noAskAheadUntil || this.rate.perSecond < BUSY_PER_SECOND) return false;
    return this.isEnding(now) || this.leases.usable < this.leaseSize() / 4;
  }

  private isEnding(now: number): boolean {
    return this.leases.lastEnd - now < ASK_AHEAD_MS;
  }

  /** As many permits as a second may need. */
  private leaseSize(): number {
    return Math.max(1, Math.min(this.rate.perSecond, Math.floor(this.limit / LEASE_PART), MAX_LEASE));
  }

  /** So that other gateways have what a pause here leaves over. */
  private returnLater(): void {
    const { usable, unused, lastEnd } = this.leases;
    if (this.returning !== undefined || usable + unused === 0) return;
    const wait = RETURN_AFTER_MS + (usable > 0 ? Math.max(0, lastEnd - this.now()) : 0);
    this.returning = setTimeout(() => {
      this.returning = undefined;
      this.leases.end(this.now());
      if (this.leases.unused > 0 && !this.asking) this.work = this.giveBack();
      else this.returnLater();
    }, wait).unref();
  }
}
