import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ANSWERS } from './error.answers.ts';

/** What is wrong with a request that could not be read to its end, by the code Node's parser or we give it. */
const STATUSES: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  EXPECTATION_FAILED: 417,
};

/** Connections whose request is worked on while it arrives. */
const worked = new WeakSet<Socket>();

/**
 * What arrives of this request is worked on from now on. If it breaks off, its connection is cut: an answer would say that nothing
 * has changed, or stand in the midst of the one that is under way.
 */
export function workOnArrival(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  worked.add(socket);
  response.once('close', () => worked.delete(socket));
}

/**
 * Answers what is no HTTP request, or does not end, in the shape of every other error. known: the headers its answer has
 * already, where there is a request.
 */
export function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  known: OutgoingHttpHeaders = {},
): void {
  if (!socket.writable || error.code === 'ECONNRESET' || worked.has(socket)) {
    socket.destroy();
    return;
  }
  const status = STATUSES[error.code ?? ''] ?? 400;
  const body = JSON.stringify({ error: (ANSWERS.MALFORMED_REQUEST as { error: string }).error });
  const headers = {
    'x-request-id': randomUUID(),
    ...known,
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
}

/** Answers a request that expects more than 100-continue, which Node would answer without a body or an id. */
export function answerExpectation(request: IncomingMessage): void {
  const error = new Error('The expectation cannot be met');
  answerClientError(Object.assign(error, { code: 'EXPECTATION_FAILED' }), request.socket);
}
