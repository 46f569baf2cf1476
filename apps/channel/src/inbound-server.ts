import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DomainError } from '@parley/errors';
import { closeIdleLast, type Logger } from '@parley/service';
import type { InboundAnswer, WhatsAppInbound } from './whatsapp/whatsapp-inbound.ts';

/** Meta's notifications are a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 512;
const REQUEST_TIMEOUT_MS = 10_000;
/** What draining waits for requests that do not end. */
const DRAIN_LIMIT_MS = 4_000;

const PATH = /^\/webhooks\/whatsapp\/([^/?]{1,64})$/;
const AWAY: InboundAnswer = { status: 503, body: 'Try again' };

export interface InboundServer {
  /** Where it listens, host:port. */
  readonly address: string;
  /** Takes no new requests and finishes those accepted. */
  close(): Promise<void>;
}

/** Serves `GET` and `POST /webhooks/whatsapp/{tenant}`, and nothing else. Nothing of a request is logged. */
export async function startInboundServer(
  { host, port }: { host: string; port: number },
  whatsApp: WhatsAppInbound,
  logger: Logger,
): Promise<InboundServer> {
  const server = createServer((request, response) => void serve(request, response, whatsApp, logger));
  closeIdleLast(server);
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await once(server.listen(port, host), 'listening');
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        const limit = setTimeout(() => server.closeAllConnections(), DRAIN_LIMIT_MS);
        server.close(() => {
          clearTimeout(limit);
          resolve();
        });
      }),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  whatsApp: WhatsAppInbound,
  logger: Logger,
): Promise<void> {
  let answer: InboundAnswer;
  try {
    answer = await answerTo(request, whatsApp);
  } catch (error) {
    // It broke off: nobody waits for an answer, and there is no fault of ours.
    if (!request.complete) return;
    // What we do not know how to answer is better sent again than lost.
    answer = AWAY;
    if (!(error instanceof DomainError && error.kind === 'unavailable')) {
      logger.error('A notification could not be taken', { error });
    }
  }
  const { status, body } = answer;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  // The challenge is given back as it came.
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (status === 405) response.setHeader('Allow', 'GET, POST');
  if (status === 413) response.setHeader('Connection', 'close');
  if (status === 503) response.setHeader('Retry-After', '5');
  response.writeHead(status).end(body);
}

async function answerTo(request: IncomingMessage, whatsApp: WhatsAppInbound): Promise<InboundAnswer> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const tenantId = PATH.exec(path)?.[1];
  if (tenantId === undefined) return { status: 404, body: 'Not found' };
  if (request.method === 'GET') return whatsApp.verify(tenantId, new URLSearchParams(query));
  if (request.method !== 'POST') return { status: 405, body: 'Method not allowed' };
  const signature = request.headers['x-hub-signature-256'];
  return whatsApp.receive(tenantId, typeof signature === 'string' ? signature : '', () => readBody(request));
}

/** As it came, for it is signed; undefined where it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
