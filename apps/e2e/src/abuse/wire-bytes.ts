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

/** A field of any type. */
function fieldOf(tenantId: string, ids: string[], depth: number): fc.Arbitrary<Buffer> {
  const number = fc.integer({ min: 2, max: 11 });
  const text = fc.tuple(number, textOf(tenantId, ids)).map(([field, bytes]) => delimited(field, bytes));
  const whole = fc
    .tuple(number, fc.constantFrom(...INTERESTING))
    .map(([field, value]) => Buffer.concat([tag(field, 0), varint(value)]));
  if (depth === 0) return fc.oneof(text, whole);
  const inner = fc.tuple(number, messageOf(tenantId, ids, depth - 1));
  return fc.oneof(
    text,
    whole,
    inner.map(([field, bytes]) => delimited(field, bytes)),
  );
}

/**
 * Messages whose first field is mostly the tenant, as in nearly all of ours, and whose second mostly names something.
 */
function messageOf(tenantId: string, ids: string[], depth: number): fc.Arbitrary<Buffer> {
  const tenant = fc.oneof(
    { weight: 9, arbitrary: fc.constant(Buffer.from(tenantId)) },
    { weight: 1, arbitrary: textOf(tenantId, ids) },
  );
  const first = tenant.map((bytes) => delimited(1, bytes));
  const named = fc.constantFrom(...ids).map((id) => delimited(2, Buffer.from(id)));
  const second = fc.oneof(named, fc.constant(Buffer.alloc(0)));
  const others = fc.array(fieldOf(tenantId, ids, depth), { maxLength: 6 });
  return fc.tuple(first, second, others).map(([one, two, more]) => Buffer.concat([one, two, ...more]));
}

/**
 * Bytes for an RPC: requests it serves, with fields over the first ones, messages of the usual shape and batches of
 * them, all these cut off or with a byte changed, and noise.
 */
export function requestBytes(tenantId: string, ids: string[], served: Buffer[]): fc.Arbitrary<Buffer> {
  const message = messageOf(tenantId, ids, 2);
  const batch = fc
    .array(message, { minLength: 1, maxLength: 5 })
    .map((items) => Buffer.concat(items.map((item) => delimited(1, item))));
  // Of a field that comes twice, the last one counts.
  const again = fc.array(fieldOf(tenantId, ids, 1), { maxLength: 2 });
  const known = fc
    .tuple(fc.constantFrom(...served), again)
    .map(([bytes, more]) => Buffer.concat([bytes, ...more]));
  const sound = fc.oneof({ weight: 3, arbitrary: known }, message, batch);
  const cut = fc.tuple(sound, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)));
  const changed = fc.tuple(sound, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    const copy = Buffer.from(bytes);
    copy[at % copy.length] = byte;
    return copy;
  });
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 4, arbitrary: sound }, cut, changed, noise);
}
