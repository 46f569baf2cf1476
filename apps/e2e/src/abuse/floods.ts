import type { IncomingHttpHeaders } from 'node:http';
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { Metadata, status as GrpcCode } from '@grpc/grpc-js';
import { sendBytes } from './raw-http.ts';
import { callRaw, rawClient, type RawOptions } from './raw-grpc.ts';

/** What is sent at a service, and what came of it. */
export interface Flood {
  name: string;
  /** Gives what is wrong with the answers; nothing is well. */
  send: (target: Target) => Promise<string[]>;
}

export interface Target {
  /** host:port */
  address: string;
  /** The path of an RPC, and a request that it answers NOT_FOUND. */
  path: string;
  request: Buffer;
  /** Streams and pings of a flood of these; the others follow. */
  amount: number;
}

const MIB = 1024 * 1024;

/** What a flood waits for an answer on a busy machine. It is slow by its nature; it must not be left without one. */
const PATIENCE_MS = 60_000;

/** Past what it reads of a head, a server of Node ends the stream or the connection. */
const SERVED_OR_REFUSED = [
  GrpcCode.NOT_FOUND,
  GrpcCode.RESOURCE_EXHAUSTED,
  GrpcCode.UNAVAILABLE,
  GrpcCode.CANCELLED,
  GrpcCode.INTERNAL,
];

export const FLOODS: Flood[] = [
  {
    name: 'messages of 5 MB',
    send: (target) =>
      calls(target, 20, Buffer.alloc(5_000_000), [GrpcCode.RESOURCE_EXHAUSTED], { deadline: PATIENCE_MS }),
  },
  {
    name: 'small messages that unpack to 50 MB',
    send: async ({ address, path }) => {
      const packed = gzipSync(Buffer.alloc(50 * MIB));
      const codes = await Promise.all(Array.from({ length: 10 }, () => sendFrame(address, path, packed)));
      return codes.filter((code) => code !== String(GrpcCode.RESOURCE_EXHAUSTED));
    },
  },
  {
    name: 'metadata of 64 KiB, of one value and of many',
    send: async (target) => {
      const large = new Metadata();
      large.set('x-padding', 'a'.repeat(64 * 1024));
      const many = new Metadata();
      for (let index = 0; index < 2_000; index++) many.set(`x-padding-${index}`, String(index).repeat(5));
      const { request } = target;
      return [
        ...(await calls(target, 20, request, SERVED_OR_REFUSED, { metadata: large, deadline: PATIENCE_MS })),
        ...(await calls(target, 20, request, SERVED_OR_REFUSED, { metadata: many, deadline: PATIENCE_MS })),
      ];
    },
  },
  {
    name: 'thousands of calls at once',
    // As many as do not fit wait at the client; none may be lost.
    send: (target) =>
      calls(target, target.amount / 10, target.request, [GrpcCode.NOT_FOUND], { deadline: PATIENCE_MS }),
  },
  {
    name: 'calls without a deadline',
    send: (target) => calls(target, 100, target.request, [GrpcCode.NOT_FOUND], { deadline: 0 }),
  },
  { name: 'streams that are opened and reset at once', send: resets },
  { name: 'streams that end in the midst of a message of 4 MiB', send: halves },
  { name: 'pings', send: pings },
  {
    name: 'no HTTP/2 at all',
    send: async ({ address }) => {
      const noise = [Buffer.alloc(MIB, 0x5a), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'];
      await Promise.all(noise.map((bytes) => sendBytes(address, bytes)));
      return [];
    },
  },
];

async function calls(
  { address, path }: Target,
  count: number,
  request: Buffer,
  expected: GrpcCode[],
  options?: RawOptions,
): Promise<string[]> {
  const client = rawClient(address);
  const asked = Array.from({ length: count }, () => callRaw(client, path, request, options));
  const answers = await Promise.all(asked);
  client.close();
  const others = answers.filter(({ code }) => !expected.includes(code));
  return [...new Set(others.map(({ code, text }) => `${GrpcCode[code]} ${text}`))];
}

const headersOf = (path: string): Record<string, string> => ({
  [constants.HTTP2_HEADER_METHOD]: 'POST',
  [constants.HTTP2_HEADER_PATH]: path,
  'content-type': 'application/grpc',
  te: 'trailers',
});

function open(address: string): ClientHttp2Session {
  const session = connectHttp2(`http://${address}`, { maxOutstandingPings: 100_000 });
  // The server may end it; then it has refused.
  session.on('error', () => undefined);
  return session;
}

async function close(session: ClientHttp2Session): Promise<void> {
  if (session.destroyed) return;
  const closed = new Promise((resolve) => session.once('close', resolve));
  session.destroy();
  await closed;
}

/** One compressed message. Gives the code it is answered with. */
function sendFrame(address: string, path: string, message: Buffer): Promise<string> {
  const session = open(address);
  const stream = session.request({ ...headersOf(path), 'grpc-encoding': 'gzip' });
  const length = Buffer.alloc(5, 1);
  length.writeUInt32BE(message.length, 1);
  return new Promise<string>((resolve) => {
    const take = (headers: IncomingHttpHeaders): void => {
      if (headers['grpc-status'] !== undefined) resolve(headers['grpc-status'] as string);
    };
    stream.on('response', take).on('trailers', take).resume();
    stream.on('error', () => resolve('reset'));
    stream.end(Buffer.concat([length, message]));
  }).finally(() => close(session));
}

async function resets({ address, path, amount }: Target): Promise<string[]> {
  const session = open(address);
  const streams = Array.from({ length: amount }, async () => {
    if (session.destroyed || session.closed) return;
    const stream = session.request(headersOf(path));
    stream.on('error', () => undefined);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.close(constants.NGHTTP2_CANCEL);
    await closed;
  });
  await Promise.all(streams);
  await close(session);
  return [];
}

/** Each holds the beginning of a message that says it has 4 MiB. */
async function halves({ address, path }: Target): Promise<string[]> {
  const session = open(address);
  const start = Buffer.alloc(MIB / 8);
  start.writeUInt32BE(4 * MIB, 1);
  const streams = Array.from({ length: 100 }, async () => {
    const stream = session.request(headersOf(path));
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.write(start, resolve));
  });
  await Promise.all(streams);
  await close(session);
  return [];
}

async function pings({ address, amount }: Target): Promise<string[]> {
  const session = open(address);
  await new Promise((resolve) => session.once('connect', resolve));
  const asked = Array.from(
    { length: amount },
    () => new Promise<void>((resolve) => (session.destroyed || !session.ping(() => resolve())) && resolve()),
  );
  await Promise.all(asked);
  await close(session);
  return [];
}
