import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** So that scanners for leaked secrets, and people, know what they look at. */
const PREFIX = 'parley_';
const SECRET_BYTES = 32;
const SHAPE = /^parley_[A-Za-z0-9_-]{43}[0-9a-f]{8}$/;

/** A new token: prefix, 256 random bits, and a checksum that tells a mistyped one without a look-up. */
export function newToken(): string {
  const body = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
  return body + checksum(body);
}

/** Whether it can be a token at all. */
export function looksLikeToken(text: string): boolean {
  return SHAPE.test(text) && text.endsWith(checksum(text.slice(0, -8)));
}

/** What is stored of a token. It has too many random bits to need a slow hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}
