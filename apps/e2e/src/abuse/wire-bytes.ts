import fc from 'fast-check';
import { HOSTILE_TEXTS } from './json-text.ts';

/** Bytes in the shape of a protobuf message, whoever's message that may be. */

const varint = (value: bigint): Buffer => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
};

const tag = (field: number, type: number): Buffer => varint(BigInt((field << 3) | type));

const delimited = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([tag(field, 2), varint(BigInt(bytes.length)), bytes]);

const INTERESTING = [
  0n,
  1n,
  2n,
  100n,
  101n,
  -1n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 63n - 1n,
  -(2n ** 63n),
];

/** Texts that a field of ours may hold, and texts that none should. */
function textOf(tenantId: string, ids: string[]): fc.Arbitrary<Buffer> {
  const known = [
    tenantId,
    ...ids,
    '+14155550123',
    'Ada',
    '{}',
    '{"a":1}',
    'ada@example.com',
    '',
    'a\0b',
    '\ufeff',
  ];
  const pages = ids.map((id) => Buffer.from(id).toString('base64url'));
  const graph = JSON.stringify({ nodes: [{ id: 'start', type: 'entry', data: {} }], edges: [] });
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...known, ...pages, graph).map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: fc.constantFrom(...HOSTILE_TEXTS).map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)) },
    // Not UTF-8.
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  );
}

/**
 * Messages whose first field is mostly the tenant, as in nearly all of ours, and else a list of such messages, as in
 * our batches; the others are of any type.
 */
function messageOf(tenantId: string, ids: string[], depth: number): fc.Arbitrary<Buffer> {
  const text = textOf(tenantId, ids);
  const number = fc.integer({ min: 2, max: 11 });
  const kinds: fc.Arbitrary<Buffer>[] = [
    fc.tuple(number, text).map(([field, bytes]) => delimited(field, bytes)),
    fc
      .tuple(number, fc.constantFrom(...INTERESTING))
      .map(([field, value]) => Buffer.concat([tag(field, 0), varint(value)])),
  ];
  if (depth > 0) {
    const inner = fc.tuple(number, messageOf(tenantId, ids, depth - 1));
    kinds.push(inner.map(([field, bytes]) => delimited(field, bytes)));
  }
  const tenant = fc.oneof(
    { weight: 9, arbitrary: fc.constant(Buffer.from(tenantId)) },
    { weight: 1, arbitrary: text },
  );
  const first = tenant.map((bytes) => delimited(1, bytes));
  // The second field mostly names something.
  const second = fc.oneof(
    fc.constantFrom(...ids).map((id) => delimited(2, Buffer.from(id))),
    fc.constant(Buffer.alloc(0)),
  );
  return fc
    .tuple(first, second, fc.array(fc.oneof(...kinds), { maxLength: 6 }))
    .map(([one, two, more]) => Buffer.concat([one, two, ...more]));
}

/** Bytes for any RPC: a message, a batch of messages, one that is cut off or has a byte changed, or noise. */
export function requestBytes(tenantId: string, ids: string[]): fc.Arbitrary<Buffer> {
  const message = messageOf(tenantId, ids, 2);
  const batch = fc
    .array(message, { minLength: 1, maxLength: 5 })
    .map((items) => Buffer.concat(items.map((item) => delimited(1, item))));
  const sound = fc.oneof(message, batch);
  const cut = fc.tuple(sound, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)));
  const changed = fc.tuple(sound, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    const copy = Buffer.from(bytes);
    copy[at % copy.length] = byte;
    return copy;
  });
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 4, arbitrary: sound }, cut, changed, noise);
}
