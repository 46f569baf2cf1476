import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { SessionStatus, type StartSessionRequest } from '@parley/contracts/session';
import { eventually, HttpRecorder } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';

jest.setTimeout(60_000);

let app: SessionApp;
const shops: HttpRecorder[] = [];

beforeEach(async () => {
  app = await SessionApp.create();
  await app.addReplica({ HTTP_REQUEST_HOSTS: 'shop.example=127.0.0.1' });
});
afterEach(async () => {
  await Promise.all(shops.splice(0).map((shop) => shop.close()));
  await app.close();
});

async function openShop(answer: Parameters<typeof HttpRecorder.start>[0]): Promise<HttpRecorder> {
  const shop = await HttpRecorder.start(answer);
  shops.push(shop);
  return shop;
}

/** Sessions that ask a shop, each of another contact. Gives how they are. */
async function ask(
  shop: HttpRecorder,
  count: number,
  timeoutMs: number,
): Promise<() => Promise<SessionStatus[]>> {
  const url = shop.url.replace('127.0.0.1', 'shop.example');
  const base = newStart(app);
  app.flowCatalog.publish(base.tenantId, base.flowId, {
    definition: JSON.stringify({
      nodes: [
        { id: 'start', type: 'entry' },
        { id: 'stock', type: 'http_request', data: { method: 'GET', url, timeout_ms: timeoutMs } },
        { id: 'done', type: 'end', data: { outcome: 'done' } },
      ],
      edges: [
        { source: 'start', target: 'stock' },
        { source: 'stock', sourceHandle: 'success', target: 'done' },
      ],
    }),
  });
  const starts = Array.from({ length: count }, (): StartSessionRequest => ({ ...base, contactId: uuidv7() }));
  for (let begun = 0; begun < count; begun += 500) await app.startAll(starts.slice(begun, begun + 500));
  return async () => {
    const rows = await app.database.query<{ status: SessionStatus }>(
      'SELECT status FROM sessions WHERE tenant_id = $1',
      [base.tenantId],
    );
    return rows.map(({ status }) => status);
  };
}

// More than are looked at together.
it.each([100, 3_000])(
  '%d requests to a host that does not answer hold up no request to another',
  async (count) => {
    const silent = await openShop(() => ({ status: 200, when: new Promise(() => undefined) }));
    const quick = await openShop(() => ({ status: 200 }));
    await ask(silent, count, 30_000);
    await eventually(() => expect(silent.requests.length).toBeGreaterThan(0));
    const statuses = await ask(quick, 1, 30_000);
    await eventually(async () => expect(await statuses()).toEqual(['completed']), 5_000);
  },
);

it('a request waits for its turn without its time running', async () => {
  const slow = await openShop(() => ({
    status: 200,
    when: new Promise((resolve) => setTimeout(resolve, 700)),
  }));
  const statuses = await ask(slow, 40, 1_000);
  await eventually(async () => expect(new Set(await statuses())).toEqual(new Set(['completed'])));
  expect(slow.requests).toHaveLength(40);
});

it('is made once, though two replicas look for it', async () => {
  await app.addReplica({ HTTP_REQUEST_HOSTS: 'shop.example=127.0.0.1' });
  const shop = await openShop(() => ({
    status: 200,
    when: new Promise((resolve) => setTimeout(resolve, 600)),
  }));
  const statuses = await ask(shop, 60, 30_000);
  await eventually(async () => expect(new Set(await statuses())).toEqual(new Set(['completed'])));
  expect(shop.requests).toHaveLength(60);
});

it('that is cut when its replica ends is made again by another at once, also the third time', async () => {
  const shop = await openShop((_request, number) =>
    number < 3
      ? { status: 500 }
      : { status: 200, ...(number === 3 && { when: new Promise(() => undefined) }) },
  );
  const statuses = await ask(shop, 1, 30_000);
  await eventually(() => expect(shop.requests).toHaveLength(3));
  await app.closeReplicas();
  await app.addReplica({ HTTP_REQUEST_HOSTS: 'shop.example=127.0.0.1' });
  await eventually(async () => expect(await statuses()).toEqual(['completed']), 10_000);
  expect(shop.requests).toHaveLength(4);
});
