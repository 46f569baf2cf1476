import type { IncomingMessage } from 'node:http';

/** What is read and dropped of a body that is refused before its end, at most. */
const MAX_BYTES = 8 * 1024 * 1024;
/** And so long. */
const MAX_MS = 2_000;

/**
 * Reads the rest of a refused body and drops it. Most clients send all of it before they look for an answer, and a
 * connection that is closed on what it has not read loses the answer on its way. Ends early when too much comes, or too
 * slowly, or the connection breaks.
 */
export function dropRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) end();
  };
  const end = (): void => {
    clearTimeout(timer);
    request.off('data', count).off('end', end).off('close', end);
    resolve();
  };
  const timer = setTimeout(end, MAX_MS);
  request.on('data', count).on('end', end).on('close', end).resume();
  return promise;
}
