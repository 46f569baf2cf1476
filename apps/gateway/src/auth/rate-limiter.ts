import { unavailable } from '@parley/errors';
import { currentRequest } from '@parley/service';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller.ts';
import type { PermitStore } from './permit-store.ts';
import { TokenPermits, type Verdict } from './token-permits.ts';

/** Tokens remembered; one that is forgotten asks the database anew. */
const MAX_TOKENS = 10_000;
const FORGET_AFTER_MS = 120_000;

/** Holds tokens to their limits, together with the other gateways of the same database. */
export class RateLimiter {
  private readonly permits: PermitStore;
  private readonly tokens = new LRUCache<string, TokenPermits>({
    max: MAX_TOKENS,
    ttl: FORGET_AFTER_MS,
    // Without a timer for each millisecond in which it is asked.
    ttlResolution: 0,
    updateAgeOnGet: true,
  });

  constructor(permits: PermitStore) {
    this.permits = permits;
  }

  /** Counts a request of this caller, or refuses it. Fails with UNAVAILABLE, within the request's deadline. */
  take({ tokenId, rateLimit }: Caller): Verdict | Promise<Verdict> {
    let token = this.tokens.get(tokenId);
    if (!token) {
      token = new TokenPermits(tokenId, (request) => this.permits.take(request));
      this.tokens.set(tokenId, token);
    }
    const verdict = token.take(rateLimit);
    return verdict instanceof Promise ? beforeDeadline(verdict) : verdict;
  }

  /** Gives back what no request of this gateway will use. */
  async close(): Promise<void> {
    await Promise.all([...this.tokens.values()].map((token) => token.close()));
  }
}

/** The answer, as long as the request has time for it. */
async function beforeDeadline<T>(answer: Promise<T>): Promise<T> {
  const deadline = currentRequest()?.deadline;
  if (deadline === undefined) return answer;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(unavailable('The rate limit was not known in time')),
    Math.max(0, deadline - Date.now()),
  );
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
