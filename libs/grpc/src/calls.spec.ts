import { afterEach, describe, expect, it } from '@jest/globals';
import { ChannelServiceService } from '@parley/contracts/channel';
import { ContactServiceService } from '@parley/contracts/contact';
import { FlowCatalogServiceClient, FlowCatalogServiceService } from '@parley/contracts/flow-catalog';
import { SessionServiceService } from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { runInRequest } from '@parley/service';
import { eventually, freePort, inTime } from '@parley/testing';
import { call, connect, REPEATABLE } from './client.ts';
import { EchoService } from './testing/echo-service.ts';

const ID = '0190b0a0-0000-7000-8000-000000000000';

const started: EchoService[] = [];
const start = async (): Promise<EchoService> => {
  const echo = await EchoService.start();
  started.push(echo);
  return echo;
};
afterEach(async () => {
  await Promise.all(started.splice(0).map((echo) => echo.close()));
});

describe('a call', () => {
  it('carries the request id and the tenant to the server', async () => {
    const echo = await start();
    await runInRequest({ requestId: 'req-1' }, () => echo.get(ID));
    expect(echo.seen).toMatchObject([{ requestId: 'req-1', tenantId: ID }]);
  });

  it('gets a request id of its own outside a request', async () => {
    const echo = await start();
    await echo.get();
    await echo.get();
    const [first, second] = echo.seen.map(({ requestId }) => requestId);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).not.toBe(first);
  });

  it('has a deadline of 2 s, and passes on what is left of an earlier one (P10)', async () => {
    const echo = await start();
    const now = Date.now();
    await echo.get();
    await runInRequest({ requestId: 'r', deadline: now + 900 }, () => echo.get());
    await runInRequest({ requestId: 'r', deadline: now + 60_000 }, () => echo.get());
    const left = echo.seen.map(({ deadline }) => deadline! - now);
    expect(left[0]).toBeGreaterThan(1_800);
    expect(left[0]).toBeLessThan(3_000);
    expect(left[1]).toBeLessThan(950);
    expect(left[2]).toBeLessThan(4_000);
  });

  it('in flight when its connection breaks, because others gave up on too many, is unavailable (P10)', async () => {
    const echo = await start();
    echo.handler = () => new Promise((resolve) => setTimeout(resolve, 100));
    const errors: unknown[] = [];
    // Until it breaks; how many have to give up first depends on how fast this machine is now.
    const end = Date.now() + 20_000;
    const goesOn = (): boolean => errors.length === 0 && Date.now() < end;
    const patient = async (): Promise<void> => {
      while (goesOn()) await echo.get().catch((error: unknown) => errors.push(error));
    };
    const hasty = async (): Promise<void> => {
      for (let calls = 0; goesOn(); calls++) {
        // Too little time, and a call is given up before it is sent.
        const deadline = Date.now() + 10 + (calls % 60);
        await runInRequest({ requestId: 'r', deadline }, () => echo.get()).catch(() => undefined);
      }
    };
    await Promise.all([...Array.from({ length: 20 }, patient), ...Array.from({ length: 100 }, hasty)]);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toMatchObject({ kind: 'unavailable' });
  });

  it('fails with the error of the handler, in full', async () => {
    const echo = await start();
    echo.handler = () => {
      throw new DomainError('failed_precondition', 'FLOW_ARCHIVED', 'Flow is archived', {
        metadata: { a: 'b' },
      });
    };
    await expect(echo.get()).rejects.toMatchObject({
      kind: 'failed_precondition',
      reason: 'FLOW_ARCHIVED',
      message: 'Flow is archived',
      domain: 'parley.flow_catalog.v1',
      metadata: { a: 'b' },
    });
  });

  it('fails with INVALID_FIELD naming the field before the handler runs', async () => {
    const echo = await start();
    await expect(echo.get(ID, 'x')).rejects.toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [{ field: 'tenant_id' }],
    });
    expect(echo.seen).toEqual([]);
  });

  it.each([
    ['an error', () => Promise.reject(new Error('relation "contacts" does not exist'))],
    [
      'an error with a code',
      () => Promise.reject(Object.assign(new Error('contacts'), { code: 5, details: 'contacts' })),
    ],
  ])('fails as INTERNAL without the text of %s nobody expected (P10)', async (_, handler) => {
    const echo = await start();
    echo.handler = handler;
    const error: unknown = await echo.get().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'internal', reason: 'INTERNAL', domain: 'parley.flow_catalog.v1' });
    expect((error as Error).message).toBe('Internal error');
    expect(JSON.stringify(error)).not.toContain('contacts');
  });

  it('is made again when the service was unavailable for a moment', async () => {
    const echo = await start();
    echo.handler = () => {
      if (echo.seen.length < 3) throw new DomainError('unavailable', 'UNAVAILABLE', 'Away');
    };
    await echo.get();
    expect(echo.seen).toHaveLength(3);
  });

  it.each(['internal', 'not_found', 'failed_precondition', 'resource_exhausted'] as const)(
    'is made once when the answer is %s',
    async (kind) => {
      const echo = await start();
      echo.handler = () => {
        throw new DomainError(kind, 'SOME_REASON', 'x');
      };
      await expect(echo.get()).rejects.toMatchObject({ kind });
      expect(echo.seen).toHaveLength(1);
    },
  );
});

describe('a service that is away', () => {
  const UNAVAILABLE = { kind: 'unavailable', reason: 'UNAVAILABLE' };

  it('makes a call unavailable within its deadline when nothing listens (P10)', async () => {
    const port = await freePort();
    // Each time a new one: it has tried nothing yet.
    await inTime(2_200, async () => {
      const client = connect(FlowCatalogServiceClient, `127.0.0.1:${port}`);
      const answer = call(client, client.getFlow, { tenantId: ID, id: ID });
      await expect(answer).rejects.toMatchObject(UNAVAILABLE);
      client.close();
    });
  });

  it('makes a call unavailable at its deadline when it never answers (P10)', async () => {
    const echo = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    echo.handler = () => promise;
    await inTime(1_500, async () => {
      const deadline = Date.now() + 300;
      const answer = runInRequest({ requestId: 'r', deadline }, () => echo.get());
      await expect(answer).rejects.toMatchObject(UNAVAILABLE);
      expect(Date.now()).toBeGreaterThan(deadline - 50);
    });
    resolve();
  });

  it('is answered for by its other replica', async () => {
    const [first, second] = [await start(), await start()];
    const address = `ipv4:${first.running.address},${second.running.address}`;
    const client = first.addClient(address);
    const get = () => call(client, client.getFlow, { tenantId: ID, id: ID });
    for (let n = 0; n < 20; n++) await get();
    expect(first.seen.length).toBeGreaterThan(5);
    expect(second.seen.length).toBeGreaterThan(5);

    started.splice(started.indexOf(second), 1);
    await second.close();
    const before = first.seen.length;
    for (let n = 0; n < 20; n++) await get();
    expect(first.seen.length).toBe(before + 20);
  });

  it('is found again when it comes back', async () => {
    const first = await EchoService.start();
    const client = connect(FlowCatalogServiceClient, first.running.address);
    const get = () => call(client, client.getFlow, { tenantId: ID, id: ID });
    await get();
    const port = Number(first.running.address.split(':')[1]);
    await first.close();
    await expect(get()).rejects.toMatchObject(UNAVAILABLE);
    const second = await EchoService.start({ port });
    started.push(second);
    // It tries to connect again by itself, a moment later each time.
    await eventually(get, 5_000);
    expect(second.seen).toHaveLength(1);
    client.close();
  });
});

describe('calls that may be repeated', () => {
  const definitions: Record<string, { path: string }>[] = [
    ContactServiceService,
    FlowCatalogServiceService,
    SessionServiceService,
    ChannelServiceService,
  ];
  const rpcs = definitions.flatMap((definition) => Object.values(definition).map(({ path }) => path)).sort();
  const repeatable = Object.entries(REPEATABLE).flatMap(([service, methods]) =>
    methods.split(' ').map((method) => `/${service}/${method}`),
  );

  it('are RPCs that there are, and all but those that would do their work twice', () => {
    expect([...new Set(rpcs).difference(new Set(repeatable))]).toEqual([
      '/parley.channel.v1.ChannelService/DeleteChannel',
      '/parley.channel.v1.ChannelService/RetryDelivery',
      '/parley.channel.v1.ChannelService/SetChannel',
      '/parley.flow_catalog.v1.FlowCatalogService/CreateFlow',
      '/parley.session.v1.SessionService/BatchStartSessions',
      '/parley.session.v1.SessionService/CancelSession',
      '/parley.session.v1.SessionService/StartSession',
    ]);
    expect([...new Set(repeatable).difference(new Set(rpcs))]).toEqual([]);
  });
});
