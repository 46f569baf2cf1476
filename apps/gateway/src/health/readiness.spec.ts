import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger, readSettings } from '@parley/service';
import { freePort } from '@parley/testing';
import { closeClients, connectClients } from '../clients.ts';
import { gatewayConfig } from '../config.ts';
import { FakeHealth } from '../testing/fake-health.ts';
import { GatewayApp } from '../testing/gateway-app.ts';
import { compile, documentedRoutes, type Response } from '../testing/openapi.ts';
import { Readiness } from './readiness.ts';

const OK = { database: 'ok', contact: 'ok', flow_catalog: 'ok', session: 'ok', channel: 'ok' };

let app: GatewayApp;
let others: FakeHealth;
let session: FakeHealth;
let channel: FakeHealth;

beforeAll(async () => {
  [others, session, channel] = await Promise.all([
    FakeHealth.start(),
    FakeHealth.start(),
    FakeHealth.start(),
  ]);
  app = await GatewayApp.start(() => ({
    CONTACT_ADDRESS: others.address,
    FLOW_CATALOG_ADDRESS: others.address,
    SESSION_ADDRESS: session.address,
    CHANNEL_ADDRESS: channel.address,
  }));
});
afterAll(async () => {
  await app.close();
  others.stop();
  session.stop();
  channel.stop();
});

const documented = compile(
  (documentedRoutes.find(({ path }) => path === '/readyz')!.operation.responses['503'] as Response).content![
    'application/json'
  ]!.schema,
);

async function ask(path = '/readyz'): Promise<{ status: number; body: unknown }> {
  const { status, body } = await app.request('GET', path);
  expect(documented(body) || documented.errors).toBe(true);
  return { status, body };
}

describe('readiness', () => {
  it('turns when events wait too long, says by how much, and returns; the balancer sees no difference (P6)', async () => {
    session.lags = 'events 0.1 60, expiry 0.0 30';
    const checks = { ...OK, session_events: 'ok', session_expiry: 'ok' };
    const lags = {
      session_events: { seconds: 0.1, limit_seconds: 60 },
      session_expiry: { seconds: 0, limit_seconds: 30 },
    };
    expect(await ask()).toEqual({ status: 200, body: { status: 'ok', checks, lags } });

    session.lags = 'events 75.2 60, expiry 0.0 30';
    const late = {
      checks: { ...checks, session_events: 'late' },
      lags: { ...lags, session_events: { seconds: 75.2, limit_seconds: 60 } },
    };
    expect(await ask()).toEqual({ status: 503, body: { status: 'late', ...late } });
    expect(await ask('/readyz/traffic')).toEqual({ status: 200, body: { status: 'ok', ...late } });

    session.lags = 'events 60.0 60, expiry 0.0 30';
    expect(await ask()).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('turns when sessions run on past their time, and when that cannot be read', async () => {
    session.lags = 'events 0.0 60, expiry 30.1 30';
    expect(await ask()).toMatchObject({
      status: 503,
      body: { status: 'late', checks: { session_events: 'ok', session_expiry: 'late' } },
    });
    session.lags = 'events unknown 60, expiry 0.0 30';
    expect(await ask()).toMatchObject({
      status: 503,
      body: {
        status: 'late',
        checks: { session_events: 'late' },
        lags: { session_events: { seconds: null, limit_seconds: 60 } },
      },
    });
    expect((await ask('/readyz/traffic')).status).toBe(200);
  });

  it('turns for the balancer too when a service does not serve', async () => {
    session.lags = 'events 0.0 60, expiry 0.0 30';
    session.status = 'NOT_SERVING';
    for (const path of ['/readyz', '/readyz/traffic']) {
      expect(await ask(path)).toMatchObject({
        status: 503,
        body: { status: 'unavailable', checks: { session: 'unavailable', contact: 'ok' } },
      });
    }
    session.status = 'SERVING';
    expect((await ask()).status).toBe(200);
  });

  it('turns when channels are away, but not for the balancer: flows start without them', async () => {
    channel.status = 'NOT_SERVING';
    expect(await ask()).toMatchObject({ status: 503, body: { checks: { channel: 'unavailable' } } });
    expect(await ask('/readyz/traffic')).toMatchObject({
      status: 200,
      body: { status: 'ok', checks: { channel: 'unavailable' } },
    });
    channel.status = 'SERVING';
  });

  it('says in the log what is missing and why, once, and when it is back', async () => {
    const { address } = others;
    const config = readSettings(gatewayConfig, {
      ...{
        DATABASE_URL: 'postgres://127.0.0.1/none',
        CONTACT_ADDRESS: address,
        FLOW_CATALOG_ADDRESS: address,
      },
      ...{ SESSION_ADDRESS: session.address, CHANNEL_ADDRESS: `127.0.0.1:${await freePort()}` },
    });
    const clients = connectClients(config, undefined);
    const logger = new Logger('gateway', 'silent');
    const [warn, log] = [jest.spyOn(logger, 'warn'), jest.spyOn(logger, 'log')];
    const ping = jest.fn<() => Promise<void>>().mockRejectedValue(new Error('lacks its migrations'));
    const readiness = new Readiness(clients, ping, logger);
    session.status = 'NOT_SERVING';
    await readiness.report();
    await readiness.report();
    expect(warn.mock.calls.flat().sort()).toEqual([
      'channel is unavailable: UNAVAILABLE',
      'database is unavailable: lacks its migrations',
      'session is unavailable: NOT_SERVING',
    ]);
    expect(log).not.toHaveBeenCalled();

    ping.mockResolvedValue();
    session.status = 'SERVING';
    await readiness.report();
    await readiness.report();
    expect(warn).toHaveBeenCalledTimes(3);
    expect(log.mock.calls.flat().sort()).toEqual([
      'database is available again',
      'session is available again',
    ]);
    closeClients(clients);
  });
});
