import { describe, expect, it, jest } from '@jest/globals';
import { DomainError } from '@parley/errors';
import { Batcher, type BatcherOptions } from './batcher.ts';

const soon = (): number => Date.now() + 5_000;
const refused = new DomainError('not_found', 'CONTACT_NOT_FOUND', 'Contact not found');

/** A batcher whose batches end when the test lets them. */
function held(options: Partial<BatcherOptions<number, number>> = {}) {
  const batches: { items: number[]; deadline: number; end: () => void; fail: (error: Error) => void }[] = [];
  const batcher = new Batcher<number, number>({
    name: 'numbers',
    maxItems: 4,
    maxBytes: 1_000,
    sizeOf: () => 1,
    maxInFlight: 1,
    maxWaiting: 100,
    run: (items, deadline) =>
      new Promise((resolve, reject) => {
        batches.push({
          items,
          deadline,
          end: () => resolve(items.map((item) => (item < 0 ? refused : item * 10))),
          fail: reject,
        });
      }),
    ...options,
  });
  return { batcher, batches };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a batcher', () => {
  it('sends an item at once when it is idle', async () => {
    const { batcher, batches } = held();
    const result = batcher.submit(1, soon());
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    batches[0]!.end();
    expect(await result).toBe(10);
  });

  it('sends together what arrives together, and what arrives while a batch is under way', async () => {
    const { batcher, batches } = held();
    const results = [1, 2].map((item) => batcher.submit(item, soon()));
    await turn();
    results.push(...[3, 4, 5].map((item) => batcher.submit(item, soon())));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1, 2]]);
    batches[0]!.end();
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    batches[1]!.end();
    expect(await Promise.all(results)).toEqual([10, 20, 30, 40, 50]);
  });

  it('fills no batch beyond its limit, and keeps no more under way than allowed', async () => {
    const { batcher, batches } = held({ maxInFlight: 2 });
    const results = Array.from({ length: 10 }, (_, item) => batcher.submit(item, soon()));
    await turn();
    expect(batches.map(({ items }) => items.length)).toEqual([4, 4]);
    batches[1]!.end();
    await turn();
    expect(batches.map(({ items }) => items.length)).toEqual([4, 4, 2]);
    batches[0]!.end();
    batches[2]!.end();
    expect(await Promise.all(results)).toEqual(Array.from({ length: 10 }, (_, item) => item * 10));
  });

  it('lets another batch leave beside one only when enough items wait for it', async () => {
    const { batcher, batches } = held({ maxInFlight: 2, minItemsBeside: 3 });
    const results = [batcher.submit(1, soon())];
    await turn();
    results.push(...[2, 3].map((item) => batcher.submit(item, soon())));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1]]);
    results.push(batcher.submit(4, soon()));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
    results.push(batcher.submit(5, soon()));
    batches[0]!.end();
    batches[1]!.end();
    await turn();
    batches[2]!.end();
    expect(await Promise.all(results)).toEqual([10, 20, 30, 40, 50]);
  });

  it('fills no batch beyond its bytes, and sends an item that is larger than those alone', async () => {
    const { batcher, batches } = held({ maxInFlight: 9, maxItems: 9, maxBytes: 10, sizeOf: (item) => item });
    const results = [4, 6, 1, 50, 3, 3].map((item) => batcher.submit(item, soon()));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[4, 6], [1], [50], [3, 3]]);
    for (const batch of batches) batch.end();
    expect(await Promise.all(results)).toEqual([40, 60, 10, 500, 30, 30]);
  });

  it('gives each item its own outcome: one that fails leaves its neighbours alone', async () => {
    const { batcher, batches } = held();
    const results = Promise.allSettled([1, -1, 2].map((item) => batcher.submit(item, soon())));
    await turn();
    batches[0]!.end();
    expect(await results).toEqual([
      { status: 'fulfilled', value: 10 },
      { status: 'rejected', reason: refused },
      { status: 'fulfilled', value: 20 },
    ]);
  });

  it('fails every item of a batch that fails as a whole, and goes on with the next', async () => {
    const { batcher, batches } = held();
    const failing = Promise.allSettled([1, 2].map((item) => batcher.submit(item, soon())));
    await turn();
    const next = batcher.submit(3, soon());
    batches[0]!.fail(new Error('The line is cut'));
    expect((await failing).map((result) => result.status)).toEqual(['rejected', 'rejected']);
    await turn();
    batches[1]!.end();
    expect(await next).toBe(30);
  });

  it('fails a batch whose results do not match its items', async () => {
    const { batcher } = held({ run: () => Promise.resolve([]) });
    await expect(batcher.submit(1, soon())).rejects.toThrow('1 items gave 0 results');
  });

  it('lets an item go at its own deadline, waiting or under way, and tells the batch the latest one', async () => {
    const { batcher, batches } = held();
    const [early, late] = [Date.now() + 50, soon()];
    const patient = batcher.submit(2, late);
    const underWay = batcher.submit(1, early);
    await turn();
    const waiting = batcher.submit(3, early);
    await expect(underWay).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(waiting).rejects.toMatchObject({ kind: 'unavailable' });
    expect(Date.now()).toBeLessThan(late);
    expect(batches[0]!.deadline).toBe(late);
    batches[0]!.end();
    expect(await patient).toBe(20);
    await turn();
    // The one whose caller has gone is not sent any more.
    expect(batches).toHaveLength(1);
  });

  it('waits for a deadline further away than a timer can be', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const { batcher, batches } = held();
    const result = batcher.submit(1, Date.now() + 2 ** 40);
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1]);
    timers.mockRestore();
    await turn();
    batches[0]!.end();
    expect(await result).toBe(10);
  });

  it('fails an item that is late when its batch leaves, and sends the others', async () => {
    const { batcher, batches } = held();
    for (let batch = 0; batch < 10; batch++) {
      const late = expect(batcher.submit(1, Date.now() - 1)).rejects.toMatchObject({ kind: 'unavailable' });
      const result = batcher.submit(2, soon());
      await turn();
      batches[batch]!.end();
      await late;
      expect(await result).toBe(20);
    }
    expect(batches.map(({ items }) => items)).toEqual(Array.from({ length: 10 }, () => [2]));
  });

  it('sends no item whose caller has gone, and leaves its neighbours alone', async () => {
    const { batcher, batches } = held();
    const first = batcher.submit(1, soon());
    await turn();
    let gone = false;
    const results = Promise.allSettled([batcher.submit(2, soon(), () => gone), batcher.submit(3, soon())]);
    gone = true;
    batches[0]!.end();
    expect(await first).toBe(10);
    await turn();
    expect(batches[1]!.items).toEqual([3]);
    batches[1]!.end();
    const [cancelled, neighbour] = await results;
    expect(cancelled).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
    expect(neighbour).toEqual({ status: 'fulfilled', value: 30 });
  });

  it('refuses an item at once when too many wait', async () => {
    const { batcher, batches } = held({ maxWaiting: 3 });
    const results = [batcher.submit(1, soon())];
    await turn();
    results.push(...[2, 3, 4].map((item) => batcher.submit(item, soon())));
    await expect(batcher.submit(5, soon())).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'UNAVAILABLE',
    });
    batches[0]!.end();
    await turn();
    batches[1]!.end();
    expect(await Promise.all(results)).toEqual([10, 20, 30, 40]);
  });
});
