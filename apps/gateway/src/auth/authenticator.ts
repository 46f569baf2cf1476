import { DomainError } from '@parley/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { AccessRule } from './access.ts';
import { looksLikeToken } from './api-token.ts';
import type { Caller } from './caller.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { Verdict } from './token-permits.ts';
import type { TokenStore } from './token-store.ts';

/** A revoked token is refused this much later at most. */
const CALLER_CACHE_MS = 1_000;
const MAX_CACHED = 10_000;

/** Lets a request in or not: token, rate, scope. Runs before the body is read. */
export class Authenticator {
  private readonly callers: LRUCache<string, { caller: Caller | undefined }>;
  private readonly limits: RateLimiter;

  constructor(tokens: TokenStore, limits: RateLimiter) {
    this.limits = limits;
    this.callers = new LRUCache({
      max: MAX_CACHED,
      ttl: CALLER_CACHE_MS,
      // Without a timer for each millisecond in which it is asked.
      ttlResolution: 0,
      // One that is pushed out while it is looked up is answered all the same.
      ignoreFetchAbort: true,
      fetchMethod: async (token, _stale, { options }) => {
        const asked = performance.now();
        const caller = await tokens.findCaller(token);
        // As old as the question: it may have been read at its beginning. Unknown is what those are told who wait now; the
        // next one asks again.
        options.ttl = caller ? Math.max(1, CALLER_CACHE_MS - (performance.now() - asked)) : 1;
        return { caller };
      },
    });
  }

  /**
   * Sets request.caller and the rate limit headers. Fails with UNAUTHENTICATED, RATE_LIMITED, SCOPE_MISSING, UNAVAILABLE.
   */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { route } = request;
    const access = route.url === undefined ? 'token' : route.access;
    if (access === 'public') return;
    const caller = await this.identify(request.headers.authorization);
    const verdict = this.limits.take(caller);
    this.count(caller, reply, verdict instanceof Promise ? await verdict : verdict);
    permit(caller, access);
    request.caller = caller;
  }

  /**
   * Whether the caller of a request that lasts would be let in still. Counts nothing. Fails with UNAUTHENTICATED,
   * SCOPE_MISSING, UNAVAILABLE.
   */
  async confirm({ headers, route }: FastifyRequest): Promise<void> {
    permit(await this.identify(headers.authorization), route.access);
  }

  private async identify(authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const known = token === undefined ? undefined : (this.callers.get(token) ?? (await this.lookUp(token)));
    if (!known?.caller) throw new DomainError('unauthenticated', 'UNAUTHENTICATED', 'No valid token');
    return known.caller;
  }

  private async lookUp(token: string): Promise<{ caller: Caller | undefined } | undefined> {
    return looksLikeToken(token) ? this.callers.fetch(token) : undefined;
  }

  private count(caller: Caller, reply: FastifyReply, { allowed, remaining, retryAfter }: Verdict): void {
    reply.header('X-RateLimit-Limit', caller.rateLimit).header('X-RateLimit-Remaining', remaining);
    if (allowed) return;
    const metadata = { retry_after: String(retryAfter) };
    throw new DomainError('resource_exhausted', 'RATE_LIMITED', 'Too many requests', { metadata });
  }
}

function permit(caller: Caller, access: AccessRule | undefined): void {
  if (access === 'token' || (access !== undefined && caller.scopes.includes(access))) return;
  const metadata = { scope: access ?? '' };
  throw new DomainError('permission_denied', 'SCOPE_MISSING', 'The token lacks a scope', { metadata });
}
