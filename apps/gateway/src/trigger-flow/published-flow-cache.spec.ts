import { describe, expect, it, jest } from '@jest/globals';
import type { PublishedFlow } from '@parley/contracts/flow-catalog';
import { PublishedFlowCache } from './published-flow-cache.ts';

const request = { tenantId: 'acme', flowId: 'cart' };
const flow = (version: number): PublishedFlow => ({ ...request, version, name: 'Cart', readsContact: false });

describe('the published-flow cache', () => {
  it('shares one look-up between triggers of the same flow', async () => {
    let asked = 0;
    const cache = new PublishedFlowCache(() => Promise.resolve(flow((asked += 1))));
    expect(await Promise.all([cache.get(request), cache.get(request)])).toEqual([flow(1), flow(1)]);
    expect(await cache.get(request)).toEqual(flow(1));
    expect(await cache.get({ ...request, tenantId: 'rival' })).toEqual(flow(2));
    expect(asked).toBe(2);
  });

  it('asks anew after a second', async () => {
    jest.useFakeTimers({ now: 0 });
    let asked = 0;
    const cache = new PublishedFlowCache(() => Promise.resolve(flow((asked += 1))));
    await cache.get(request);
    jest.advanceTimersByTime(999);
    expect(await cache.get(request)).toEqual(flow(1));
    jest.advanceTimersByTime(1);
    expect(await cache.get(request)).toEqual(flow(2));
    jest.useRealTimers();
  });

  it('does not remember a refusal', async () => {
    let published = false;
    const cache = new PublishedFlowCache(() =>
      published ? Promise.resolve(flow(1)) : Promise.reject(new Error('Flow not found or not published')),
    );
    await expect(cache.get(request)).rejects.toThrow();
    published = true;
    expect(await cache.get(request)).toEqual(flow(1));
  });

  it('asks anew once a flow was dropped, even while the old look-up is under way', async () => {
    const answers = [Promise.withResolvers<PublishedFlow>(), Promise.withResolvers<PublishedFlow>()];
    let asked = 0;
    const cache = new PublishedFlowCache(() => answers[asked++]!.promise);
    const old = cache.get(request);
    cache.drop(request);
    const fresh = cache.get(request);
    answers[1]!.resolve(flow(2));
    answers[0]!.resolve(flow(1));
    expect(await Promise.all([old, fresh, cache.get(request)])).toEqual([flow(1), flow(2), flow(2)]);
  });

  it('keeps a bounded number of flows', async () => {
    let asked = 0;
    const cache = new PublishedFlowCache(({ flowId }) => {
      asked += 1;
      return Promise.resolve({ ...flow(1), flowId });
    });
    for (let index = 0; index <= 10_000; index++) await cache.get({ ...request, flowId: String(index) });
    await cache.get({ ...request, flowId: '10000' });
    expect(asked).toBe(10_001);
    await cache.get({ ...request, flowId: '0' });
    expect(asked).toBe(10_002);
  });
});
