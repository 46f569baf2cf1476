import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Gateway } from './gateway.ts';

const flowOf = (id: string) => ({ id, name: id, settings: {}, definition: {}, published_version: null });
/** By what they come after. A page may have fewer flows than were asked for, also where more follow. */
const PAGES = new Map([
  ['', { data: [flowOf('f'), flowOf('e')], next: 'e/' }],
  ['e/', { data: [flowOf('d')], next: 'd' }],
  ['d', { data: [flowOf('c')], next: 'c' }],
  ['c', { data: [], next: null }],
]);

let server: Server;
/** Answered with 429 before anything else. */
let refusals = 0;
let gateway: Gateway;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (refusals > 0) {
      refusals--;
      response.writeHead(429, { 'retry-after': '1' }).end('{"error":"Too many requests"}');
      return;
    }
    const after = new URL(request.url!, 'http://gateway').searchParams.get('after');
    response.setHeader('content-type', 'application/json').end(JSON.stringify(PAGES.get(after!)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  gateway = new Gateway({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'x' });
});
afterAll(() => void server.close());

it('lists flows to the last page, however few a page has', async () => {
  const ids: string[] = [];
  for await (const { id } of gateway.list()) ids.push(id);
  expect(ids).toEqual(['f', 'e', 'd', 'c']);
});

it('goes on when it may, where it asks too often', async () => {
  refusals = 2;
  const ids: string[] = [];
  for await (const { id } of gateway.list()) ids.push(id);
  expect(ids).toEqual(['f', 'e', 'd', 'c']);
});
