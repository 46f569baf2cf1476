import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { isPublicAddress, isPublicHost, type HttpAnswer, type HttpRequest } from '@parley/flow-engine';
import { Agent, request as send } from 'undici';

/** Bytes of an answer that are read at most. */
const MAX_ANSWER_BYTES = 256 * 1024;
const CONNECTIONS_PER_HOST = 16;

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

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
  constructor(hosts: ReadonlyMap<string, string>, resolve: typeof lookup = lookup) {
    this.agent = new Agent({
      connections: CONNECTIONS_PER_HOST,
      connect: { lookup: lookupAllowed(hosts, resolve) },
    });
  }

  /** Never fails: what goes wrong is an answer. */
  async call({ effectId, method, url, headers, body, timeoutMs }: HttpRequest): Promise<CallResult> {
    // A host that is an address is not looked up.
    if (!URL.canParse(url) || !isPublicHost(new URL(url))) {
      return { answer: { error: 'the address is not on the internet' }, retryable: false };
    }
    try {
      const response = await send(url, {
        dispatcher: this.agent,
        method,
        headers: {
          'user-agent': 'Parley',
          ...(body !== null && { 'content-type': 'application/json' }),
          ...Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
          'idempotency-key': effectId,
        },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { statusCode: status } = response;
      return {
        answer: { status, body: await readLimited(response.body) },
        retryable: status === 429 || status >= 500,
      };
    } catch (error) {
      return { answer: { error: describe(error, timeoutMs) }, retryable: !(error instanceof RefusedError) };
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

/** What asking again does not change. */
class RefusedError extends Error {}

async function readLimited(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop destroys the connection.
    if (size > MAX_ANSWER_BYTES)
      throw new RefusedError(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** In words for the timeline; without what a library or a system says of our own network. */
function describe(error: unknown, timeoutMs: number): string {
  if (error instanceof RefusedError) return error.message;
  const { name, code, cause } = error as { name?: string; code?: string; cause?: unknown };
  if (cause instanceof RefusedError) return cause.message;
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

/** dns.lookup, without addresses that are not the internet's, but for those the operator has named. */
function lookupAllowed(hosts: ReadonlyMap<string, string>, resolve: typeof lookup) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    const give = (addresses: LookupAddress[]): void => {
      const [first] = addresses;
      if (!first) callback(new RefusedError('the address is not on the internet'), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    };
    const named = hosts.get(hostname);
    if (named !== undefined) return give([{ address: named, family: isIP(named) }]);
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) callback(error, []);
      else give(addresses.filter(({ address }) => isPublicAddress(address)));
    });
  };
}
