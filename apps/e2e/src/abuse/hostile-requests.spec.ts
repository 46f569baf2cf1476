import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, type Answer } from '../cluster.ts';
import { heldBy } from '../resources.ts';
import { runs, SEED } from './effort.ts';
import { holdToGateway, requestGenerated } from './generated-requests.ts';
import { HOSTILE_BODIES } from './hostile-bodies.ts';
import { HOSTILE_TEXTS } from './json-text.ts';
import { nameOf, ROUTES, type Route } from './operations.ts';
import { sendBytes, sendHttp } from './raw-http.ts';
import { thingsOf } from './things.ts';

let cluster: Cluster;
let ids: string[];
let gateway: string;

beforeAll(async () => {
  cluster = await Cluster.start();
  gateway = cluster.addressOf('gateway');
  const { flow, contact, session } = await thingsOf(cluster, 'acme', '+14155550100');
  ids = [flow, contact, session];
});
afterAll(() => cluster.stop());

const named = ROUTES.map((route) => ({ name: nameOf(route), route }));

describe('requests generated from the document', () => {
  const statuses = new Map<string, Record<number, number>>();

  it.each(named)(
    'to $name are answered as it says, and never with a fault of ours (35)',
    async ({ name, route }) => {
      statuses.set(name, await requestGenerated(route, cluster, ids, { numRuns: runs(15, 500), seed: SEED }));
    },
  );

  it('are neither all refused nor all served', () => {
    const all = [...statuses.values()].flatMap((counts) => Object.keys(counts));
    for (const status of ['200', '201', '404', '422']) expect(all).toContain(status);
  });
});

describe('a body', () => {
  const own = (route: Route): string =>
    route.template.replace('{id}', ids[0]!).replace('{version}', '1').replace('{kind}', 'webhook');
  const taking = named.filter(({ route }) => route.method !== 'GET');

  it.each(taking)('that is hostile is a 4xx of $name, in the shape of any other (30)', async ({ route }) => {
    for (const { name, bytes, type = 'application/json', headers, status } of HOSTILE_BODIES) {
      const answer = await sendHttp(gateway, {
        method: route.method,
        path: own(route),
        headers: { Authorization: `Bearer ${cluster.tokenOf()}`, 'Content-Type': type, ...headers },
        body: bytes,
      });
      // What a route does not ask for, it passes over; the bulk route takes 8 MiB.
      if (status !== undefined && !(status === 413 && route.template.endsWith('/batch')))
        expect({ name, status: answer.status }).toEqual({ name, status });
      expect(() => holdToGateway(route, answer)).not.toThrow();
    }
  });

  it('of JSON lines is answered line by line, each as its own call would be (30)', async () => {
    const objects = HOSTILE_TEXTS.map((text) => `{"flow_id":${text},"phone":${text},"context":${text}}`);
    const lines = [...HOSTILE_TEXTS.filter((text) => text !== 'null'), ...objects];
    const answer = await sendLines(lines);
    expect(answer.status).toBe(200);
    const results = answer.text.trim().split('\n');
    expect(results).toHaveLength(lines.length);
    for (const line of results)
      expect([400, 413, 422]).toContain((JSON.parse(line) as { status: number }).status);
  });

  it('of JSON lines, one of which is null, is answered line by line (30)', async () => {
    const flow_id = await cluster.createFlow();
    const lines = [JSON.stringify({ flow_id, phone: '+14155550104' }), 'null'];
    const answer = await sendLines(lines);
    const started = await cluster.request('GET', `/sessions?flow_id=${flow_id}`);
    expect([answer.status, (started.body as { data: [] }).data.length]).toEqual([200, 1]);
  });

  it('that never ends is refused once it is too large, and takes no memory (30)', async () => {
    const before = heldBy(cluster.pidOf('gateway')).memory;
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const pieces = Array.from({ length: 200 }, () => chunk);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => sendBytes(gateway, head('Transfer-Encoding: chunked'), ...pieces)),
    );
    for (const answer of answers)
      expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*"The request body is too large"/);
    expect(heldBy(cluster.pidOf('gateway')).memory - before).toBeLessThan(100);
  });
});

const sendLines = (lines: string[]): Promise<Answer> =>
  sendHttp(gateway, {
    method: 'POST',
    path: '/api/v1/actions/trigger-flow/batch',
    headers: { Authorization: `Bearer ${cluster.tokenOf()}`, 'Content-Type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });

/** The head of a trigger, with its token and a header more. */
const head = (...headers: string[]): string =>
  [
    'POST /api/v1/actions/trigger-flow HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${cluster.tokenOf()}`,
    'Content-Type: application/json',
    ...headers,
    '\r\n',
  ].join('\r\n');

describe('a head', () => {
  it.each([
    ['a length that is no number', ['Content-Length: x'], 400],
    ['a negative length', ['Content-Length: -1'], 400],
    ['a length with a sign', ['Content-Length: +2'], 400],
    ['a length in hex', ['Content-Length: 0x2'], 400],
    ['two lengths in one', ['Content-Length: 2, 2'], 400],
    ['chunks, but not last', ['Transfer-Encoding: chunked, identity'], 400],
    ['chunks, misspelt', ['Transfer-Encoding: chunkedd'], 400],
    ['chunks, and a length', ['Transfer-Encoding: chunked', 'Content-Length: 2'], 400],
    ['a line that goes on', ['X-A: a', ' b: c'], 400],
    ['a space before the colon', ['Content-Length : 2'], 400],
    ['a header without a name', [': x'], 400],
    ['a bare carriage return', ['X-A: a\rX-B: b'], 400],
    ['100 000 characters', [`X-A: ${'a'.repeat(100_000)}`], 431],
    ['10 000 headers', Array.from({ length: 10_000 }, (_, n) => `X-${n}: ${n}`), 431],
  ])('with %s is refused in the shape of any other error (30)', async (_what, headers, status) => {
    const answer = await sendBytes(gateway, head(...headers), '{}');
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/\r\n\r\n\{"error":"The request is malformed"\}$/);
  });

  it('that asks for another method, protocol or address is answered as it came (30)', async () => {
    const headers = {
      Authorization: `Bearer ${cluster.tokenOf()}`,
      'X-HTTP-Method-Override': 'DELETE',
      'X-Original-URL': '/api/v1/flows',
      'X-Forwarded-For': '::1, 127.0.0.1',
      'X-Forwarded-Host': 'evil.example',
      'X-Tenant-Id': ids[0]!,
      Accept: 'application/xml',
      'Accept-Encoding': 'gzip;q=2, *;q=nonsense',
      Range: 'bytes=0-',
      'If-None-Match': '*',
      Cookie: '__proto__=x; tenant=rival',
    };
    const answer = await sendHttp(gateway, { method: 'GET', path: '/api/v1/me', headers });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ tenant: { id: cluster.tenantIdOf() } });
  });
});

describe('after all that', () => {
  it('every process is the one that was started, and no log tells of an error nobody expected', async () => {
    await cluster.ready();
    for (const name of cluster.names) {
      expect(cluster.logOf(name)).not.toMatch(/Unexpected error|Ended by an error nobody caught/);
    }
  });
});
