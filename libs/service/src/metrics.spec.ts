import { request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Metrics } from './metrics.ts';
import { startMetricsServer, type MetricsServer } from './metrics-server.ts';

let server: MetricsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(metrics: Metrics): Promise<string> {
  server = await startMetricsServer({ METRICS_PORT: 0, METRICS_HOST: '127.0.0.1' }, metrics);
  return `http://${server.address}`;
}

describe('the metrics endpoint', () => {
  it('serves what was counted and the process itself, in the format Prometheus reads', async () => {
    const metrics = new Metrics();
    metrics.counter('parley_things_total', 'Things', ['kind']).inc({ kind: 'good' }, 3);
    const response = await fetch(`${await serve(metrics)}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text).toContain('# TYPE parley_things_total counter\nparley_things_total{kind="good"} 3\n');
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']) {
      expect(text).toMatch(new RegExp(`^${name} `, 'm'));
    }
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/metrics/x', 404],
    ['GET', '/healthz', 404],
    ['POST', '/metrics', 405],
    ['DELETE', '/metrics', 405],
  ])('serves nothing else: %s %s is %i', async (method, path, status) => {
    const url = await serve(new Metrics());
    expect((await fetch(`${url}${path}`, { method })).status).toBe(status);
  });

  it('is not there when it is off', async () => {
    server = await startMetricsServer({ METRICS_PORT: 'off', METRICS_HOST: '127.0.0.1' }, new Metrics());
    expect(server.address).toBeUndefined();
  });

  it('closes at once, though a connection is kept open', async () => {
    const url = await serve(new Metrics());
    const closed = new Promise((resolve) => {
      request(`${url}/metrics`, { headers: { Connection: 'keep-alive' } }, (response) => {
        response.resume().once('close', resolve);
      })
        .on('error', resolve)
        .end();
    });
    await fetch(`${url}/metrics`).then((response) => response.text());
    const begun = Date.now();
    await server!.close();
    await closed;
    expect(Date.now() - begun).toBeLessThan(1_000);
  });
});

describe('a gauge that is read', () => {
  it('is read once for scrapes within its time, however many come at once', async () => {
    const metrics = new Metrics();
    let reads = 0;
    metrics.gauge('parley_things', 'Things', () => Promise.resolve(++reads));
    const texts = await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
    for (const text of texts) expect(text).toContain('\nparley_things 1\n');
    expect(await metrics.text()).toContain('\nparley_things 1\n');
    expect(reads).toBe(1);
  });

  it('is left out while it cannot be read, and does not spoil the rest', async () => {
    const metrics = new Metrics();
    let away = true;
    const read = () => (away ? Promise.reject(new Error('away')) : Promise.resolve(7));
    metrics.gauge('parley_things', 'Things', read, 0);
    metrics.counter('parley_others_total', 'Others').inc();
    const text = await metrics.text();
    expect(text).not.toMatch(/^parley_things /m);
    expect(text).toMatch(/^parley_others_total 1$/m);
    away = false;
    expect(await metrics.text()).toMatch(/^parley_things 7$/m);
  });
});

describe('a metric', () => {
  it('asked for twice is the same, so that two parts of a service may count into it', async () => {
    const metrics = new Metrics();
    metrics.batchItems('one')(3);
    metrics.batchItems('two')(40);
    metrics.batchItems('one')(5);
    const text = await metrics.text();
    expect(text).toContain('parley_batch_items_sum{batch="one"} 8');
    expect(text).toContain('parley_batch_items_bucket{le="4",batch="one"} 1');
    expect(text).toContain('parley_batch_items_count{batch="two"} 1');
  });

  it('of a batch is there at 0 before the first one', async () => {
    const metrics = new Metrics();
    metrics.batchItems('idle');
    expect(await metrics.text()).toContain('parley_batch_items_count{batch="idle"} 0');
  });

  it('of one service is not in another, though they share a process', async () => {
    const [one, other] = [new Metrics(), new Metrics()];
    one.counter('parley_things_total', 'Things').inc();
    expect(await other.text()).not.toContain('parley_things_total');
  });
});
