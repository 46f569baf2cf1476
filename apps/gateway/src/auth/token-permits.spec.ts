import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '@parley/errors';
import { runInRequest } from '@parley/service';
import { eventually, inTime } from '@parley/testing';
import { LimitedTokens } from '../testing/limited-tokens.ts';
import { PermitStore } from './permit-store.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { TokenPermits, Verdict } from './token-permits.ts';

/** A small generator, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

let world: LimitedTokens;
let tokenId: string;
let token: TokenPermits;

beforeAll(async () => {
  world = await LimitedTokens.create();
});
beforeEach(async () => {
  tokenId = await world.newTokenId();
  token = world.gatewayOf(tokenId);
  world.asked.length = 0;
});
afterAll(() => world.close());

const START = 1_900_000_000;

/** A request at a second of the test's own count. */
async function take(limit: number, second: number, gateway = token): Promise<Verdict> {
  world.now = START + second;
  return gateway.take(limit);
}

describe('the limit of a token', () => {
  it('lets the limit through and counts down', async () => {
    const taken = [];
    for (let request = 0; request < 4; request++) taken.push(await take(3, 1_000));
    expect(taken.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
    expect(taken.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0]);
  });

  it('rolls: each request is given back 60 s after it came, not all at once', async () => {
    await take(2, 100);
    await take(2, 130);
    expect(await take(2, 159)).toMatchObject({ allowed: false, retryAfter: 1 });
    expect(await take(2, 160)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await take(2, 161)).toMatchObject({ allowed: false, retryAfter: 29 });
    expect(await take(2, 190)).toMatchObject({ allowed: true });
  });

  it('does not count what it refuses', async () => {
    await take(1, 10);
    for (let second = 11; second < 70; second++) expect((await take(1, second)).allowed).toBe(false);
    expect((await take(1, 70)).allowed).toBe(true);
  });

  it('is whole again after any long pause', async () => {
    for (let request = 0; request < 5; request++) await take(5, 59);
    expect(await take(5, 1_000_000)).toMatchObject({ allowed: true, remaining: 4 });
  });

  it('may be lowered', async () => {
    for (let request = 0; request < 5; request++) await take(10, 5);
    expect(await take(3, 6)).toMatchObject({ allowed: false, remaining: 0, retryAfter: 59 });
  });

  it('may be raised, also while requests are refused', async () => {
    for (let request = 0; request < 4; request++) await take(3, 5);
    expect(await take(4, 6)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it.each([1, 2, 3])('is never passed in any 60 seconds, and always reached (seed %d)', async (seed) => {
    const limit = 20;
    const next = random(seed);
    const passed: number[] = [];
    let now = 50_000;
    for (let request = 0; request < 1_500; request++) {
      // Bursts, and now and then a pause.
      now += next() < 0.02 ? next() * 90 : next() * 2;
      const { allowed, remaining } = await take(limit, now);
      if (allowed) passed.push(Math.floor(now));
      const recent = passed.filter((second) => second > Math.floor(now) - 60);
      expect(recent.length).toBeLessThanOrEqual(limit);
      expect(remaining).toBe(limit - recent.length);
      // It refuses only where it must.
      if (!allowed) expect(recent.length).toBe(limit);
    }
    expect(passed.length).toBeGreaterThan(limit * 10);
  });

  it.each([4, 5])('says truly after how many seconds to try again (seed %d)', async (seed) => {
    const next = random(seed);
    let now = 0;
    for (let round = 0; round < 100; round++) {
      now += Math.floor(next() * 20);
      const { allowed, retryAfter } = await take(3, now);
      if (allowed) continue;
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(60);
      expect((await take(3, now + retryAfter - 1)).allowed).toBe(false);
      now += retryAfter;
      expect((await take(3, now)).allowed).toBe(true);
    }
  });
});

describe('the database', () => {
  it('hears nothing of a flood of refused requests', async () => {
    for (let request = 0; request < 20; request++) await take(20, 0);
    expect((await take(20, 0)).allowed).toBe(false);
    // Another gateway might give something back, so it is asked once more.
    expect((await take(20, 1)).allowed).toBe(false);
    expect((await take(20, 2)).allowed).toBe(false);
    world.asked.length = 0;
    for (let request = 0; request < 50_000; request++) {
      if ((await take(20, 2 + request / 1_000)).allowed) throw new Error(`Request ${request} was let in`);
    }
    expect(world.asked).toEqual([]);
    expect((await take(20, 60)).allowed).toBe(true);
  });

  it('is asked once for all requests that wait', async () => {
    world.now = START;
    const verdicts = await Promise.all(Array.from({ length: 100 }, async () => token.take(80)));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(80);
    expect(verdicts.map(({ remaining }) => remaining)).toEqual([
      ...Array.from({ length: 80 }, (_, index) => 79 - index),
      ...Array<number>(20).fill(0),
    ]);
    // For the first, for those that came meanwhile, and for those it had not enough for.
    expect(world.asked.length).toBeLessThanOrEqual(3);
  });

  it('is asked some times a second for a busy token, whose requests do not wait', async () => {
    let waited = 0;
    for (let ms = 0; ms < 5_000; ms++) {
      world.now = START + ms / 1_000;
      for (let request = 0; request < 5; request++) {
        const verdict = token.take(1_000_000);
        if (verdict instanceof Promise && ms > 1_000) waited += 1;
        if (!(await verdict).allowed) throw new Error('Refused');
      }
      // The database takes up to 10 ms.
      if (ms % 10 === 0) await world.settled();
    }
    expect(waited).toBe(0);
    expect(world.asked.length).toBeLessThan(100);
  });

  it('gets back what a pause leaves over, and what a gateway that ends has', async () => {
    for (let ms = 0; ms < 900; ms++) {
      await take(10_000, ms / 1_000);
      if (ms % 10 === 0) await world.settled();
    }
    // Its leases are over. It sees to them by itself.
    world.now = START + 3;
    await eventually(() => expect(world.asked.at(-1)).toMatchObject({ needed: 0, wanted: 0 }));
    const other = world.gatewayOf(tokenId);
    for (let request = 1; request <= 10; request++) {
      expect(await take(10_000, 3, other)).toMatchObject({ remaining: 9_100 - request });
      await world.settled();
    }
    await other.close();
    expect(await take(10_000, 3)).toMatchObject({ allowed: true, remaining: 9_089 });
  });

  it('gets back what a whole gateway has that ends', async () => {
    const caller = { tokenId, name: '', tenantId: '', tenantName: '', scopes: [], rateLimit: 100_000 };
    const [leaving, before, after] = Array.from(
      { length: 3 },
      () => new RateLimiter(new PermitStore(world.database)),
    );
    const left = async (limiter: RateLimiter): Promise<number> => (await limiter.take(caller)).remaining;
    for (let request = 0; request < 500; request++) await leaving!.take(caller);
    // It holds permits for more requests to come.
    expect(await left(before!)).toBeLessThan(100_000 - 501);
    await leaving!.close();
    await before!.close();
    expect(await left(after!)).toBe(100_000 - 502);
    await after!.close();
  });

  it('is waited for no longer than the request has time', async () => {
    await take(100, 0);
    const limiter = new RateLimiter(new PermitStore(world.database));
    const caller = { tokenId, name: '', tenantId: '', tenantName: '', scopes: [], rateLimit: 100 };
    await world.database.transaction(async (tx) => {
      await tx.query('SELECT FROM rate_limit_windows WHERE token_id = $1 FOR UPDATE', [tokenId]);
      await inTime(1_000, async () => {
        const context = { requestId: 'r', deadline: Date.now() + 100 };
        const failure = await runInRequest(context, async () => limiter.take(caller)).catch(
          (error: unknown) => error,
        );
        expect(failure).toBeInstanceOf(DomainError);
        expect(failure).toMatchObject({ kind: 'unavailable', reason: 'UNAVAILABLE' });
      });
    });
    // What was asked is answered by now.
    expect((await limiter.take(caller)).allowed).toBe(true);
    await limiter.close();
  });
});
