import { invalidFields } from '@parley/errors';
import { z } from 'zod';

/** Pages hold 50 items unless told, 100 at most. */
export const pageSize = z
  .int()
  .min(0, 'must be between 1 and 100')
  .max(100, 'must be between 1 and 100')
  .transform((size) => size || 50);

/** One past the page: its presence tells that there is a next page. */
export function splitPage<T>(rows: T[], size: number, key: (row: T) => string): { page: T[]; next: string } {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return { page, next: rows.length > size && last ? encodeToken(key(last)) : '' };
}

function encodeToken(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** The key the next page comes after, or undefined for the first page. Fails with INVALID_FIELD on page_token. */
export function decodePageToken(token: string, shape: RegExp): string | undefined {
  if (token === '') return undefined;
  const key = Buffer.from(token, 'base64url').toString();
  if (!shape.test(key)) {
    throw invalidFields([{ field: 'page_token', description: 'must come from an earlier page' }]);
  }
  return key;
}

/** The key of pages ordered by UUID. */
export const UUID_KEY = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
