import { expect, it } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { newToken } from './api-token.ts';
import { Authenticator } from './authenticator.ts';
import type { Caller } from './caller.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { TokenStore } from './token-store.ts';

it('a token is known though a flood of others pushes it out of what is kept while it is looked up (P10)', async () => {
  const found = Promise.withResolvers<void>();
  const valid = newToken();
  const caller = { tenantId: 'acme', scopes: ['trigger'], rateLimit: 10 } as unknown as Caller;
  const tokens = {
    findCaller: async (token: string) => {
      await found.promise;
      return token === valid ? caller : undefined;
    },
  } as unknown as TokenStore;
  const limits = { take: () => ({ allowed: true, remaining: 9, retryAfter: 0 }) } as unknown as RateLimiter;
  const authenticator = new Authenticator(tokens, limits);
  const admit = (token: string): Promise<void> => {
    const reply = { header: () => reply } as unknown as FastifyReply;
    const headers = { authorization: `Bearer ${token}` };
    const request = { headers, route: { url: '/', access: 'trigger' } } as unknown as FastifyRequest;
    return authenticator.admit(request, reply);
  };
  const admitted = admit(valid);
  const refused = Array.from({ length: 10_001 }, () => admit(newToken()).catch((error: unknown) => error));
  found.resolve();
  await expect(admitted).resolves.toBeUndefined();
  for (const outcome of await Promise.all(refused))
    expect(outcome).toMatchObject({ reason: 'UNAUTHENTICATED' });
});
