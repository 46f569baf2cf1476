import {
  DOT_SEGMENTS_ERROR,
  hasDotSegments,
  isPublicHost,
  type HttpAnswer,
  type HttpRequest,
} from '@parley/flow-engine';
import { AddressRefusedError, publicLookup, type Resolve } from '@parley/public-lookup';
import { Agent, request as send } from 'undici';

/** Bytes of an answer that are read at most. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** An answer, and whether asking again may give a better one. */
export interface CallResult {
  answer: HttpAnswer;
  retryable: boolean;
}

/**
 * Makes the requests of flows. Addresses that are not the internet's are refused, on the address a name has resolved to,
 * at the moment of connecting. Redirects are not followed: a 3xx is the answer.
 */
export class HttpCaller {
  private readonly agent: Agent;

  /** hosts: addresses of names that the operator has decided on, private ones too. resolve: how other names are looked up. */
  constructor(hosts: ReadonlyMap<string, string>, resolve?: Resolve) {
    this.agent = new Agent({ connect: { lookup: publicLookup(hosts, resolve) } });
  }

  /** Never fails: what goes wrong is an answer. */
  async call({ effectId, method, url, headers, body, timeoutMs }: HttpRequest): Promise<CallResult> {
    // A host that is an address is not looked up.
    if (!URL.canParse(url) || !isPublicHost(new URL(url))) {
      return { answer: { error: NOT_PUBLIC }, retryable: false };
    }
    // A value that came into the path would lead to another resource than the flow means.
    if (hasDotSegments(url)) return { answer: { error: DOT_SEGMENTS_ERROR }, retryable: false };
    try {
      const response = await send(url, {
        dispatcher: this.agent,
        method,
        headers: {
          'user-agent': 'Parley',
          'accept-encoding': 'identity',
          ...(body !== null && { 'content-type': 'application/json' }),
          ...Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
          'idempotency-key': effectId,
        },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { statusCode: status } = response;
      return {
        answer: { status, body: decode(await readLimited(response.body), response.headers) },
        retryable: status === 429 || status >= 500,
      };
    } catch (error) {
      return {
        answer: { error: describe(error, timeoutMs) },
        retryable: !(error instanceof AnswerUnfitError || isRefused(error)),
      };
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

const NOT_PUBLIC = 'the address is not on the internet';

/** Asking again does not change it. */
class AnswerUnfitError extends Error {}

async function readLimited(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop destroys the connection.
    if (size > MAX_ANSWER_BYTES)
      throw new AnswerUnfitError(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** By the charset it names, UTF-8 by default, without a mark of byte order. Compressed it is not read: nobody asked for that. */
function decode(bytes: Uint8Array, headers: Record<string, string | string[] | undefined>): string {
  const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && bytes.length > 0) throw new AnswerUnfitError('the answer is compressed');
  const charset = /;\s*charset="?([\w-]{1,40})/i.exec(String(headers['content-type'] ?? ''))?.[1];
  return decoderOf(charset).decode(bytes);
}

function decoderOf(charset = 'utf-8'): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof AddressRefusedError ||
    (error as { cause?: unknown }).cause instanceof AddressRefusedError
  );
}

/** In words for the timeline; without what a library or a system says of our own network. */
function describe(error: unknown, timeoutMs: number): string {
  if (error instanceof AnswerUnfitError) return error.message;
  if (isRefused(error)) return NOT_PUBLIC;
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'TimeoutError' || name === 'AbortError') return `no answer within ${timeoutMs} ms`;
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name could not be resolved';
    case 'ECONNREFUSED':
      return 'the connection was refused';
    default:
      return 'the request could not be made';
  }
}
