import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Resolve } from '@parley/public-lookup';
import { HttpRecorder, type RecordedAnswer } from '@parley/testing';
import { post, type Post } from './outbound-http.ts';

const servers: HttpRecorder[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(answer: RecordedAnswer): Promise<HttpRecorder> {
  const server = await HttpRecorder.start(() => answer);
  servers.push(server);
  return server;
}

const send = (url: string, change: Partial<Post> = {}) =>
  post({ url: new URL(url), headers: {}, body: '{}', allowPrivate: false, ...change });

/** A name server that says so, and how often it was asked. */
function resolving(...addresses: string[]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  const found = addresses.map((address): LookupAddress => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }));
  return {
    asked,
    resolve: (hostname, _options, callback) => {
      asked.push(hostname);
      callback(null, found);
    },
  };
}

describe('a POST that may go to the internet only', () => {
  it.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://db.internal/',
    'http://intranet/',
  ])('does not go to %s', async (url) => {
    await expect(send(url)).rejects.toMatchObject({ reason: 'address_refused' });
  });

  it.each([
    ['this machine', ['127.0.0.1']],
    ['a private network', ['10.1.2.3']],
    ['a metadata service', ['169.254.169.254']],
    ['an address among others that are fine', ['93.184.215.14', '::1']],
    ['nowhere', []],
  ])('does not go to a name that leads to %s', async (_where, addresses) => {
    const server = await serve({ status: 200 });
    const { resolve, asked } = resolving(...addresses);
    const { port } = new URL(server.url);
    const sending = send(`http://shop.example.com:${port}/`, { resolve });
    await expect(sending).rejects.toMatchObject({ reason: 'address_refused' });
    expect(asked).toEqual(['shop.example.com']);
    expect(server.requests).toEqual([]);
  });

  it('takes no connection that was made without such a look-up', async () => {
    const server = await serve({ status: 200 });
    const url = `http://shop.example.com:${new URL(server.url).port}/`;
    const { resolve } = resolving('127.0.0.1');
    expect(await send(url, { allowPrivate: true, resolve })).toMatchObject({ status: 200 });
    await expect(send(url, { resolve })).rejects.toMatchObject({ reason: 'address_refused' });
    expect(server.requests).toHaveLength(1);
  });

  it('is not followed where it is redirected', async () => {
    const inside = await serve({ status: 200 });
    const outside = await serve({ status: 302, headers: { location: inside.url } });
    expect(await send(outside.url, { allowPrivate: true })).toMatchObject({ status: 302 });
    expect(inside.requests).toEqual([]);
  });
});

describe('an answer', () => {
  it('is given with its status and body', async () => {
    const server = await serve({ status: 422, body: 'no', headers: { 'x-a': 'b' } });
    expect(await send(server.url, { allowPrivate: true })).toMatchObject({
      status: 422,
      body: 'no',
      headers: { 'x-a': 'b' },
    });
  });

  it('is read no further than 64 KiB', async () => {
    const server = await serve({ status: 200, body: 'x'.repeat(1024 * 1024) });
    const { body } = await send(server.url, { allowPrivate: true });
    expect(body).toHaveLength(64 * 1024);
  });

  it('that breaks off, or that nobody gives, is an error that names why', async () => {
    const server = await serve({ status: 0, breaks: true });
    const { url } = server;
    await expect(send(url, { allowPrivate: true })).rejects.toMatchObject({
      reason: 'connection_failed',
    });
    await server.close();
    await expect(send(url, { allowPrivate: true })).rejects.toMatchObject({
      reason: 'connection_failed',
    });
  });

  it('that changes the protocol is none', async () => {
    const server = await serve({ status: 101, headers: { connection: 'Upgrade', upgrade: 'websocket' } });
    await expect(send(server.url, { allowPrivate: true })).rejects.toMatchObject({
      reason: 'connection_failed',
    });
  });

  it('is not waited for once the service stops', async () => {
    const server = await serve({ status: 200, when: new Promise(() => undefined) });
    const stop = new AbortController();
    const sending = send(server.url, { allowPrivate: true, signal: stop.signal });
    stop.abort();
    await expect(sending).rejects.toMatchObject({ reason: 'interrupted' });
  });
});
