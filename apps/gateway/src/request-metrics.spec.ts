import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freePort } from '@parley/testing';
import { GatewayApp } from './testing/gateway-app.ts';

const ID = '0190b0a0-0000-7000-8000-000000000000';
const PHONE = '+14155550123';

let app: GatewayApp;
let token: string;
let metricsUrl: string;

beforeAll(async () => {
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}/metrics`;
  app = await GatewayApp.start(() => ({ METRICS_PORT: String(port) }));
  ({ token } = await app.createToken());
});
afterAll(() => app.close());

const scrape = async (): Promise<string> => (await fetch(metricsUrl)).text();

async function eventuallyCounted(sample: string): Promise<void> {
  await eventually(async () => expect((await scrape()).split('\n')).toContain(sample));
}

describe('the metrics of a gateway', () => {
  it('are served on their own port only', async () => {
    expect((await scrape()).split('\n')).toContain('# TYPE parley_http_request_duration_seconds histogram');
    expect((await app.request('GET', '/metrics')).status).toBe(404);
    expect((await app.request('GET', '/metrics', { token })).status).toBe(404);
  });

  it('measure each request once, by route, method and class of status', async () => {
    await app.request('GET', '/api/v1/me', { token });
    await app.request('GET', '/api/v1/me', { token });
    await app.request('GET', '/api/v1/me');
    const name = 'parley_http_request_duration_seconds_count';
    await eventuallyCounted(`${name}{route="/api/v1/me",method="GET",status="2xx"} 2`);
    await eventuallyCounted(`${name}{route="/api/v1/me",method="GET",status="4xx"} 1`);
  });

  it('count errors by reason, also those no service was asked about', async () => {
    const trigger = '/api/v1/actions/trigger-flow';
    await app.request('POST', trigger, { token, body: { flow_id: ID } });
    await app.request('POST', trigger, { token, body: { flow_id: ID, phone: PHONE } });
    const limited = await app.createToken({ rateLimit: 1 });
    for (let n = 0; n < 2; n++) await app.request('GET', '/api/v1/me', { token: limited.token });
    const name = 'parley_http_errors_total';
    await eventuallyCounted(`${name}{route="${trigger}",reason="INVALID_FIELD"} 1`);
    await eventuallyCounted(`${name}{route="${trigger}",reason="UNAVAILABLE"} 1`);
    await eventuallyCounted(`${name}{route="/api/v1/me",reason="RATE_LIMITED"} 1`);
    await eventuallyCounted('parley_batch_items_count{batch="gateway_flow_catalog"} 1');
  });

  it('grow by no caller: paths, ids, methods, queries and tokens that callers think of are in no label', async () => {
    const ask = async (n: number): Promise<void> => {
      await app.request('GET', `/api/v1/contacts/${ID.slice(0, -3)}${100 + n}`, { token });
      await app.request('GET', `/api/v1/contacts?phone=${encodeURIComponent(PHONE)}&n=${n}`, { token });
      await app.request('GET', `/no/such/${n}`, { token });
      await app.request('PROPFIND', `/api/v1/me/${n}`, { token });
      await app.request('GET', '/api/v1/me', { token: `parley_${n}` });
    };
    await ask(0);
    await eventually(async () => expect(await scrape()).toContain('route="none",method="OTHER"'));
    const samples = async (): Promise<number> => (await scrape()).match(/^parley_/gm)!.length;
    const before = await samples();
    for (let n = 1; n <= 20; n++) await ask(n);
    const name = 'parley_http_request_duration_seconds_count';
    await eventuallyCounted(`${name}{route="none",method="OTHER",status="4xx"} 21`);
    expect(await samples()).toBe(before);
    const text = await scrape();
    for (const secret of [
      ID.slice(0, -3),
      PHONE,
      PHONE.slice(1),
      token,
      'parley_1',
      'PROPFIND',
      '/no/such',
    ]) {
      expect(text).not.toContain(secret);
    }
  });
});
