import { describe, expect, it } from '@jest/globals';
import { MAX_PAGE_BYTES, rowsOfPage } from './page-bytes.ts';

const rows = (...sizes: number[]): { bytes: number }[] => sizes.map((bytes) => ({ bytes }));

describe('a page', () => {
  it.each([
    ['as many rows as were asked for', rows(1, 1, 1), 2, 2],
    ['those that fit to the byte', rows(MAX_PAGE_BYTES - 1, 1), 5, 5],
    ['no row that passes its bytes', rows(MAX_PAGE_BYTES - 1, 1, 1), 5, 2],
    ['no more than was asked for, where more would fit', rows(1, 1, MAX_PAGE_BYTES), 1, 1],
    ['a row that passes its bytes alone', rows(MAX_PAGE_BYTES + 1, 1), 5, 1],
  ])('holds %s', (_what, given, pageSize, held) => {
    expect(rowsOfPage(given, pageSize)).toBe(held);
  });
});
