import { DomainError } from '@parley/errors';
import { parseJson } from '@parley/json-limits';

/** Of one line. A context may take 64 KiB, and there is something around it. */
export const MAX_LINE_BYTES = 128 * 1024;

const LINE_FEED = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The values of JSON lines, read as they are asked for. A line that is too long or is not JSON in UTF-8 is an error in
 * its place; empty lines are passed over. Holds one line at most.
 */
export async function* readNdjson(chunks: AsyncIterable<Buffer>): AsyncGenerator {
  let line: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= MAX_LINE_BYTES) line.push(part);
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, end));
      yield* parseLine(line, bytes);
      [line, bytes, from] = [[], 0, end + 1];
    }
    add(chunk.subarray(from));
  }
  yield* parseLine(line, bytes);
}

function* parseLine(line: Buffer[], bytes: number): Generator {
  if (bytes > MAX_LINE_BYTES) {
    yield new DomainError('invalid_argument', 'BODY_TOO_LARGE', 'The line is too long');
    return;
  }
  try {
    const text = utf8.decode(Buffer.concat(line)).trim();
    if (text !== '') yield parseJson(text);
  } catch (error) {
    yield new DomainError('invalid_argument', 'MALFORMED_BODY', 'The line is not JSON', { cause: error });
  }
}
