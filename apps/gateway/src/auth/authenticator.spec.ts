import { setTimeout as sleep } from 'node:timers/promises';
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

it('a token is known for a second from when it was asked for, however long the answer took (P8)', async () => {
  const caller = { tenantId: 'acme', scopes: ['trigger'], rateLimit: 10 } as unknown as Caller;
  const askedAt: number[] = [];
  const tokens = {
    findCaller: async () => {
      askedAt.push(performance.now());
      await sleep(askedAt.length === 1 ? 800 : 0);
      return caller;
    },
  } as unknown as TokenStore;
  const authenticator = new Authenticator(tokens, {} as unknown as RateLimiter);
  const authorization = `Bearer ${newToken()}`;
  const request = { headers: { authorization }, route: { access: 'trigger' } } as unknown as FastifyRequest;
  await authenticator.confirm(request);
  await sleep(1_010 - (performance.now() - askedAt[0]!));
  await authenticator.confirm(request);
  expect(askedAt).toHaveLength(2);
});
