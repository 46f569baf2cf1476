import type { Frame, Framing } from './frame.ts';

const END = '\r\n';

/**
 * Reads one connection's operations: `publish` (up) is an event about to be published, with its subject; `ack` (down)
 * JetStream's word that it is stored.
 */
export function natsFraming(): Framing {
  return {
    up: (buffer) => {
      const operation = take(buffer);
      if (!operation) return undefined;
      const [name, subject = ''] = operation.words;
      const isEvent = (name === 'PUB' || name === 'HPUB') && !subject.startsWith('$');
      return frame(isEvent ? 'publish' : 'other', subject, operation.bytes);
    },
    down: (buffer) => {
      const operation = take(buffer);
      if (!operation) return undefined;
      const isAck = operation.words[0] === 'MSG' && /^\{\s*"stream":/.test(operation.payload);
      return frame(isAck ? 'ack' : 'other', operation.words[1] ?? '', operation.bytes);
    },
  };
}

function frame(kind: Frame['kind'], text: string, bytes: Buffer): Frame {
  return { kind, text, bytes };
}

/** A line, and the payload whose length is its last word. */
function take(buffer: Buffer): { words: string[]; payload: string; bytes: Buffer } | undefined {
  const lineEnd = buffer.indexOf(END);
  if (lineEnd === -1) return undefined;
  const words = buffer.toString('utf8', 0, lineEnd).split(/\s+/);
  const start = lineEnd + END.length;
  const length = /^H?(PUB|MSG)$/.test(words[0]!) ? Number(words.at(-1)) + END.length : 0;
  if (buffer.length < start + length) return undefined;
  return {
    words,
    payload: buffer.toString('utf8', start, start + length),
    bytes: buffer.subarray(0, start + length),
  };
}
