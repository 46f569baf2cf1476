import {
  credentials,
  makeGenericClientConstructor,
  status as GrpcCode,
  type Client,
  type ClientUnaryCall,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '@parley/errors';
import { Metrics, type Lag } from '@parley/service';
import { eventually } from '@parley/testing';
import { service as healthService } from 'grpc-health-check';
import { readLagTrailers, type LagReading } from './lags.ts';
import { EchoService } from './testing/echo-service.ts';

const SERVICE = 'parley.flow_catalog.v1.FlowCatalogService';
const HealthClient = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health');

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Parameters<typeof EchoService.start>[0]): Promise<EchoService> {
  const echo = await EchoService.start(options);
  cleanups.push(() => echo.close());
  return echo;
}

interface HealthClient extends Client {
  check(
    request: { service: string },
    done: (error: Error | null, answer: { status: string }) => void,
  ): ClientUnaryCall;
}

/** What a health check answers, and its trailers. */
function asker(echo: EchoService): (name: string) => Promise<{ status: string; lags: LagReading[] }> {
  const client = new HealthClient(
    echo.running.address,
    credentials.createInsecure(),
  ) as unknown as HealthClient;
  cleanups.push(() => client.close());
  return (name) =>
    new Promise((resolve, reject) => {
      let status = '';
      const call = client.check({ service: name }, (error, answer) => {
        if (error) reject(error);
        else status = answer.status;
      });
      call.on('status', ({ metadata }) => resolve({ status, lags: readLagTrailers(metadata) }));
    });
}

const lag = (change: Partial<Lag>): Lag => ({
  part: 'events',
  metric: 'parley_spec_lag_seconds',
  help: 'Spec',
  limitSeconds: 60,
  read: () => Promise.resolve(0),
  ...change,
});

describe('a lag', () => {
  it('past its limit turns its own name, tells by how much, and leaves the service in the balance', async () => {
    let seconds = 2.25;
    const metrics = new Metrics();
    const echo = await start({ metrics, lags: [lag({ read: () => Promise.resolve(seconds) })] });
    const ask = asker(echo);
    await eventually(async () => expect((await ask('events')).status).toBe('SERVING'));
    seconds = 61.5;
    await eventually(async () => expect((await ask('events')).status).toBe('NOT_SERVING'));
    for (const name of ['', SERVICE]) {
      expect(await ask(name)).toEqual({
        status: 'SERVING',
        lags: [{ part: 'events', seconds: 61.5, limitSeconds: 60 }],
      });
    }
    expect(await metrics.text()).toMatch(/^parley_spec_lag_seconds 61.5$/m);
    seconds = 0;
    await eventually(async () => expect((await ask('events')).status).toBe('SERVING'));
  });

  it('that cannot be read is not in time, is no number, and does not hide another one', async () => {
    const metrics = new Metrics();
    const broken = lag({ read: () => Promise.reject(new Error('away')) });
    const other = lag({ part: 'expiry', metric: 'parley_other_seconds', read: () => Promise.resolve(1) });
    const ask = asker(await start({ metrics, lags: [broken, other] }));
    await eventually(async () => expect((await ask('expiry')).status).toBe('SERVING'));
    expect((await ask('events')).status).toBe('NOT_SERVING');
    expect((await ask('')).lags).toEqual([
      { part: 'events', seconds: undefined, limitSeconds: 60 },
      { part: 'expiry', seconds: 1, limitSeconds: 60 },
    ]);
    const text = await metrics.text();
    expect(text).not.toMatch(/^parley_spec_lag_seconds /m);
    expect(text).toMatch(/^parley_other_seconds 1$/m);
  });
});

describe('the time calls take', () => {
  const count = (text: string, code: string): number =>
    Number(
      new RegExp(
        `^parley_rpc_server_duration_seconds_count\\{rpc="getFlow",code="${code}"\\} (\\d+)$`,
        'm',
      ).exec(text)?.[1] ?? 0,
    );

  it('is measured by RPC and code, whatever the call ends with, and never by who calls', async () => {
    const metrics = new Metrics();
    const echo = await start({ metrics });
    await echo.get();
    echo.handler = () => Promise.reject(new DomainError('not_found', 'FLOW_NOT_FOUND', 'No such flow'));
    await expect(echo.get()).rejects.toMatchObject({ kind: 'not_found' });
    echo.handler = () => {
      throw new Error('fault');
    };
    await expect(echo.get()).rejects.toMatchObject({ kind: 'internal' });
    // Refused before the handler.
    await expect(echo.get('x', 'x')).rejects.toMatchObject({ kind: 'invalid_argument' });
    const text = await metrics.text();
    for (const code of ['OK', 'NOT_FOUND', 'INTERNAL', 'INVALID_ARGUMENT']) {
      expect([code, count(text, code)]).toEqual([code, 1]);
    }
    expect(text).not.toContain('0190b0a0');
  });

  it('is measured for a call whose caller has gone', async () => {
    const metrics = new Metrics();
    const echo = await start({ metrics });
    const { promise, resolve } = Promise.withResolvers<void>();
    echo.handler = () => promise;
    const client = echo.addClient();
    const call = client.getFlow({ tenantId: '0190b0a0-0000-7000-8000-000000000000', id: '' }, (error) => {
      expect(error?.code).toBe(GrpcCode.CANCELLED);
    });
    await eventually(() => expect(echo.seen).toHaveLength(1));
    call.cancel();
    resolve();
    await eventually(async () => {
      const text = await metrics.text();
      expect(count(text, 'CANCELLED') + count(text, 'OK')).toBe(1);
    });
  });
});
