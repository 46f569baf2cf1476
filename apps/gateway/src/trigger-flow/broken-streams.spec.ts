import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TriggerGateway } from '../testing/trigger-gateway.ts';

let gateway: TriggerGateway;
let flows = 0;

beforeAll(async () => {
  gateway = await TriggerGateway.start();
});
afterAll(() => gateway.close());

/** A line for a flow that nobody asked for yet, so that it is looked up. */
function newLine(): string {
  flows += 1;
  return `${JSON.stringify({ flow_id: `0190b0a0-0000-7000-8000-00000000000${flows}`, phone: '+14155550123' })}\n`;
}

const chunkOf = (line: string): string => `${line.length.toString(16)}\r\n${line}\r\n`;

/** Begins a batch whose flow is being looked up. */
async function begin(framing: string, body: string): Promise<Socket> {
  const socket = gateway.connect();
  const asked = new Promise<void>((resolve) => {
    gateway.catalog.beforeAnswer = () => Promise.resolve(resolve());
  });
  socket.write(
    `POST /api/v1/actions/trigger-flow/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gateway.token}\r\n` +
      `Content-Type: application/x-ndjson\r\n${framing}\r\n\r\n${body}`,
  );
  await asked;
  return socket;
}

async function restOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

const CHUNKED = 'Transfer-Encoding: chunked';

it('a batch of JSON lines that breaks off is not answered as if nothing had been done (P3)', async () => {
  const chunked = await begin(CHUNKED, chunkOf(newLine()));
  chunked.write('zz\r\n');
  expect(await restOf(chunked)).not.toContain('HTTP/1.1 4');

  const short = await begin('Content-Length: 500', newLine());
  short.end();
  expect(await restOf(short)).not.toContain('HTTP/1.1 4');
});

it('one that breaks off once its first result is there has no second head in its answer', async () => {
  const socket = await begin(CHUNKED, chunkOf(newLine()));
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(String(first)).toContain('HTTP/1.1 200 OK');
  const rest = restOf(socket);
  socket.write('zz\r\n');
  expect(await rest).not.toContain('HTTP/1.1');
});

it('the next request on a connection whose batch has ended is answered when it is malformed', async () => {
  const socket = await begin(CHUNKED, `${chunkOf(newLine())}0\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) {
    const before = text;
    text += String(chunk);
    if (text.endsWith('0\r\n\r\n') && !before.endsWith('0\r\n\r\n')) socket.write('nonsense\r\n\r\n');
    if (text.includes('The request is malformed')) break;
  }
  expect(text).toContain('HTTP/1.1 400 Bad Request');
});
