import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestTemplate } from './load.ts';
import { runLoad } from './run-load.ts';

let server: Server;

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

type Answer = (body: string, response: ServerResponse) => void;

/** A server, and the request that the load sends to it. */
async function serve(answer: Answer): Promise<RequestTemplate> {
  server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => answer(body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    path: '/start',
    headers: { 'content-type': 'application/json' },
    body: '{"phone":"+{phone}"}',
    started: { status: 201, contains: '"started"' },
    known: { status: 200, contains: '"already_running"' },
    idAfter: '{"id":"',
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-length': text.length }).end(text);
}

const never = new AbortController().signal;

describe('the load generator', () => {
  it('sends each number once and sorts the answers', async () => {
    const phones: string[] = [];
    const request = await serve((body, response) => {
      const { phone } = JSON.parse(body) as { phone: string };
      phones.push(phone);
      const n = Number(phone.slice(-8));
      if (n % 3 === 0) send(response, 201, { id: phone, status: 'started' });
      else if (n % 3 === 1) send(response, 200, { id: phone, status: 'already_running' });
      else send(response, 503, { error: 'away' });
    });
    const result = await runLoad({ request, connections: 4, seconds: 1, first: 300 }, never);

    expect(result.sent).toBeGreaterThan(30);
    expect(phones.toSorted()).toEqual(
      Array.from({ length: result.sent }, (_, index) => `+49151${String(300 + index).padStart(8, '0')}`),
    );
    const third = Math.ceil(result.sent / 3);
    expect(result.started).toBe(third);
    expect(result.ids.toSorted()).toEqual(
      phones.filter((phone) => Number(phone.slice(-8)) % 3 === 0).toSorted(),
    );
    expect(result.failures).toEqual({ '503 {"error":"away"}': result.sent - result.started - result.known });
  });

  it('counts a latency from when its request was due, also while no answer comes', async () => {
    const stallFrom = Date.now() + 800;
    const request = await serve((_, response) => {
      const now = Date.now();
      const wait = now >= stallFrom && now < stallFrom + 500 ? stallFrom + 500 - now : 0;
      setTimeout(() => send(response, 201, { id: 'x', status: 'started' }), wait);
    });
    const load = { request, connections: 2, seconds: 2, first: 0, rate: 200 };
    const result = await runLoad(load, never);

    expect(result.sent).toBe(400);
    expect(result.started).toBe(400);
    // Two requests met the stalled server; about a hundred were due meanwhile.
    expect(result.p99).toBeGreaterThan(300);
  });

  it('counts a connection that breaks as a failure and goes on with the others', async () => {
    let answers = 0;
    const request = await serve((_, response) => {
      answers += 1;
      if (answers === 5) response.destroy();
      else send(response, 201, { id: 'x', status: 'started' });
    });
    const result = await runLoad({ request, connections: 2, seconds: 1, first: 0 }, never);
    expect(Object.values(result.failures)).toEqual([1]);
    expect(result.started).toBe(result.sent - 1);
    expect(result.started).toBeGreaterThan(10);
  });

  it('ends when it is stopped', async () => {
    const request = await serve((_, response) => send(response, 201, { id: 'x', status: 'started' }));
    const stop = new AbortController();
    const running = runLoad({ request, connections: 1, seconds: 600, first: 0 }, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 300);
    await expect(running).rejects.toThrow('enough');
  });
});
