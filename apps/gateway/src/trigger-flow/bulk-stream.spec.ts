import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, Wire } from '@parley/testing';
import { GatewayApp } from '../testing/gateway-app.ts';

const open: { close: () => Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(settings?: (url: string) => Record<string, string>): Promise<GatewayApp> {
  const app = await GatewayApp.start(settings);
  open.push(app);
  return app;
}

/** JSON lines that are sent one by one, and the results so far. */
class Stream {
  readonly request: ClientRequest;
  readonly results: { status: number; body: object }[] = [];
  answer: IncomingMessage | undefined;
  /** Whether the answer came to its end, and was not cut off. */
  ended = false;
  closed = false;

  constructor(app: GatewayApp, token: string) {
    const [host, port] = app.gateway.address.split(':');
    this.request = httpRequest({
      host,
      port,
      method: 'POST',
      path: '/api/v1/actions/trigger-flow/batch',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    });
    // A gateway waits for the streams that are open.
    open.push({ close: () => Promise.resolve(this.request.destroy()) });
    this.request.on('error', () => undefined);
    this.request.on('close', () => (this.closed = true));
    this.request.on('response', (answer: IncomingMessage) => {
      this.answer = answer;
      answer.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.trim().split('\n')) {
          this.results.push(JSON.parse(line) as { status: number; body: object });
        }
      });
      answer.on('end', () => (this.ended = answer.complete));
    });
  }

  /** An item that is answered 422 by the gateway itself. */
  send(lines = 1): void {
    this.request.write('{}\n'.repeat(lines));
  }

  /** Sends an item and gives the status of its result. */
  async ask(): Promise<number> {
    const count = this.results.length;
    this.send();
    await eventually(() => expect(this.results.length).toBe(count + 1));
    return this.results.at(-1)!.status;
  }
}

describe('a stream of JSON lines', () => {
  it('whose token is revoked has a 401 within a second, ends there, and reads no more', async () => {
    const app = await start();
    const { id, token } = await app.createToken();
    const stream = new Stream(app, token);
    expect(await stream.ask()).toBe(422);
    await app.tokens.revoke(id);
    const revokedAt = performance.now();
    let acceptedAt = revokedAt;
    for (let sentAt = revokedAt; (await stream.ask()) === 422; sentAt = performance.now()) {
      acceptedAt = sentAt;
      expect(sentAt - revokedAt).toBeLessThan(3_000);
      await sleep(20);
    }
    expect(acceptedAt - revokedAt).toBeLessThanOrEqual(1_000);
    expect(stream.results.at(-1)).toEqual({ status: 401, body: { error: 'Unauthenticated.' } });
    await eventually(() => expect(stream.ended).toBe(true));
    const count = stream.results.length;
    stream.send(10);
    await sleep(200);
    expect(stream.results).toHaveLength(count);
  });

  it('answers none of the lines after the one that was refused, also when they came with it', async () => {
    const app = await start();
    const { id, token } = await app.createToken();
    const stream = new Stream(app, token);
    expect(await stream.ask()).toBe(422);
    await app.tokens.revoke(id);
    await sleep(1_100);
    stream.send(100);
    await eventually(() => expect(stream.ended).toBe(true));
    expect(stream.results.map(({ status }) => status)).toEqual([422, 401]);
  });

  it('that ends so leaves its connection as it was to who ends the request, and closes it to who does not', async () => {
    const app = await start();
    const tokens = [await app.createToken(), await app.createToken()];
    const [polite, endless] = tokens.map(({ token }) => new Stream(app, token)) as [Stream, Stream];
    for (const stream of [polite, endless]) expect(await stream.ask()).toBe(422);
    for (const { id } of tokens) await app.tokens.revoke(id);
    await sleep(1_100);
    for (const stream of [polite, endless]) expect(await stream.ask()).toBe(401);
    polite.request.end();
    const flood = setInterval(() => endless.send(), 20);
    await eventually(() => expect(endless.closed).toBe(true), 5_000);
    clearInterval(flood);
    expect([polite.ended, polite.request.socket?.destroyed ?? false]).toEqual([true, false]);
  });

  it('whose token lost its scope has a 403 and ends', async () => {
    const app = await start();
    const { id, token } = await app.createToken();
    const stream = new Stream(app, token);
    expect(await stream.ask()).toBe(422);
    await app.database.query(`UPDATE api_tokens SET scopes = '{flows:read}' WHERE id = $1`, [id]);
    await sleep(1_100);
    expect(await stream.ask()).toBe(403);
    await eventually(() => expect(stream.ended).toBe(true));
  });

  it('goes on while its token cannot be looked up: such an item is a 503, as a single call would be', async () => {
    const wire = await Wire.toPostgres();
    open.push({ close: () => wire.cut() });
    const app = await start((databaseUrl) => ({ DATABASE_URL: wire.urlOf(databaseUrl) }));
    const { token } = await app.createToken();
    const stream = new Stream(app, token);
    expect(await stream.ask()).toBe(422);
    await wire.cut();
    await sleep(1_100);
    expect(await stream.ask()).toBe(503);
    expect(await stream.ask()).toBe(503);
    stream.request.end();
    await once(stream.answer!, 'end');
    expect(stream.results.map(({ status }) => status)).toEqual([422, 503, 503]);
  });
});
