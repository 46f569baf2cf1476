import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isPublicHost } from '@parley/flow-engine';
import { AddressRefusedError, publicLookup, type Resolve } from '@parley/public-lookup';

export interface Post {
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** Whether it may go to private networks and this machine. */
  allowPrivate: boolean;
  /** Ends it early. */
  signal?: AbortSignal;
  /** Finds a name's addresses. Default: as the system does. */
  resolve?: Resolve;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** As far as it came within the limits of time and length. */
  body: string;
}

/** address_refused: it leads into a private network. interrupted: by the signal. */
export type PostFailure = 'address_refused' | 'timeout' | 'connection_failed' | 'interrupted';

/** No answer came. Whether the other side got the request is not known, unless the address was refused. */
export class PostError extends Error {
  override readonly name = 'PostError';
  readonly reason: PostFailure;

  constructor(reason: PostFailure, cause?: unknown) {
    super(`No answer: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** From the name's look-up to the last byte of the answer. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_SOCKETS_PER_HOST = 32;

const makeAgents = () => {
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS_PER_HOST };
  return { http: new HttpAgent(options), https: new HttpsAgent(options) };
};
/** A connection that is kept is used again without a look-up: what must be looked up takes none that was made without. */
const agents = { anywhere: makeAgents(), internet: makeAgents() };

/** Sends a POST and gives the answer, whatever its status. Follows no redirect. Fails with a PostError. */
export async function post(request: Post): Promise<Answer> {
  const { url, allowPrivate, signal } = request;
  if (!allowPrivate && !isPublicHost(url)) throw new PostError('address_refused');
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const ends = signal ? AbortSignal.any([timeout, signal]) : timeout;
  try {
    const response = await send(request, ends);
    return { status: response.statusCode ?? 0, headers: response.headers, body: await readBody(response) };
  } catch (error) {
    if (error instanceof AddressRefusedError) throw new PostError('address_refused', error);
    if (signal?.aborted) throw new PostError('interrupted', error);
    throw new PostError(timeout.aborted ? 'timeout' : 'connection_failed', error);
  }
}

function send(
  { url, headers, body, allowPrivate, resolve }: Post,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:';
  const { http, https } = allowPrivate ? agents.anywhere : agents.internet;
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  const options = {
    method: 'POST',
    headers: { ...headers, ...length },
    agent: secure ? https : http,
    signal,
    // Node asks for all addresses of a name, as resolve gives them.
    lookup: allowPrivate ? (resolve as LookupFunction | undefined) : publicLookup(undefined, resolve),
  };
  return new Promise((answer, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(url, options, answer);
    request.on('error', reject);
    // All that Node says of an answer that changes the protocol (101). After any other it comes too late to matter.
    request.on('close', () => reject(new Error('The connection ended without an answer')));
    request.end(body);
  });
}

/** What has come when the time or the length is up. */
async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, MAX_ANSWER_BYTES - bytes));
      bytes += chunk.length;
      // Leaving the loop closes the connection.
      if (bytes >= MAX_ANSWER_BYTES) break;
    }
  } catch {
    // Cut off: the status says what there is to say.
  }
  return Buffer.concat(chunks).toString();
}
