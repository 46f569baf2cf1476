import type { Frame, Framing } from './frame.ts';

/** Bytes of a message's length field. */
const LENGTH = 4;

/** Something the client has sent and the server has not ended yet. */
interface Pending {
  kind: 'execute' | 'query' | 'sync';
  text: string;
}

/**
 * Reads one connection's messages as both sides send them: `statement` (up) is a statement about to be executed,
 * whether sent as text or prepared long ago; `done` (down) the server's word that it was, with its tag (INSERT 0 5).
 * By message and not by packet, so that it does not matter how many of them a client sends at once.
 */
export function postgresFraming(): Framing {
  const statements = new Map<string, string>();
  const portals = new Map<string, string>();
  const pending: Pending[] = [];
  let transaction: string[] = [];
  let begun = false;

  const up = (bytes: Buffer): Frame => {
    const [type, [first, second]] = [String.fromCharCode(bytes[0]!), strings(bytes)];
    if (type === 'P') statements.set(first, second);
    if (type === 'B') portals.set(first, statements.get(second) ?? '');
    if (type === 'S') pending.push({ kind: 'sync', text: '' });
    if (type !== 'Q' && type !== 'E') return { kind: 'other', text: '', bytes };
    const text = (type === 'Q' ? first : (portals.get(first) ?? '')).trim();
    pending.push({ kind: type === 'Q' ? 'query' : 'execute', text });
    transaction = /^(BEGIN|START TRANSACTION)\b/i.test(text) ? [text] : [...transaction, text];
    return { kind: 'statement', text, transaction, bytes };
  };

  const down = (bytes: Buffer): Frame => {
    const type = String.fromCharCode(bytes[0]!);
    if (type === 'Z') {
      const end = pending.findIndex(({ kind }) => kind !== 'execute');
      pending.splice(0, end === -1 ? pending.length : end + 1);
    }
    if (type !== 'C') return { kind: 'other', text: '', bytes };
    const text = pending[0]?.text ?? '';
    if (pending[0]?.kind === 'execute') pending.shift();
    return { kind: 'done', text, transaction, tag: strings(bytes)[0], bytes };
  };

  return {
    up: (buffer) => {
      // The first message has no type.
      const start = begun ? 1 : 0;
      const message = take(buffer, start);
      if (!message) return undefined;
      if (begun) return up(message);
      begun = true;
      return { kind: 'other', text: '', bytes: message };
    },
    down: (buffer) => {
      const message = take(buffer, 1);
      return message && down(message);
    },
  };
}

function take(buffer: Buffer, start: number): Buffer | undefined {
  if (buffer.length < start + LENGTH) return undefined;
  const end = start + buffer.readUInt32BE(start);
  return buffer.length < end ? undefined : buffer.subarray(0, end);
}

/** The first two zero-terminated strings of a message. */
function strings(bytes: Buffer): [string, string] {
  const start = 1 + LENGTH;
  const one = bytes.indexOf(0, start);
  if (one === -1) return ['', ''];
  const two = bytes.indexOf(0, one + 1);
  return [bytes.toString('utf8', start, one), two === -1 ? '' : bytes.toString('utf8', one + 1, two)];
}
