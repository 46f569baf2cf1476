import { describe, expect, it } from '@jest/globals';
import { decodePageToken, pageSize, splitPage, UUID_KEY } from './page-token.ts';

const ID = '0190b0a0-0000-7000-8000-000000000000';
const NUMBER = /^[1-9]\d{0,8}$/;

describe('a page', () => {
  it.each([
    { rows: [], size: 2, page: [], more: false },
    { rows: ['a'], size: 2, page: ['a'], more: false },
    { rows: ['a', 'b'], size: 2, page: ['a', 'b'], more: false },
    { rows: ['a', 'b', 'c'], size: 2, page: ['a', 'b'], more: true },
    { rows: ['a', 'b'], size: 1, page: ['a'], more: true },
  ])(
    'of $size holds $page of the rows $rows, and says whether there are more: $more',
    ({ rows, size, page, more }) => {
      const split = splitPage(rows, size, (row) => row);
      expect(split.page).toEqual(page);
      expect(split.next !== '').toBe(more);
    },
  );

  it.each([ID, '12', 'ünï 🦜', 'a+b/c?d'])(
    'names the key %j after which the next one comes, in text fit for a URL',
    (key) => {
      const { next } = splitPage([key, 'more'], 1, (row) => row);
      expect(next).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(decodePageToken(next, /.*/)).toBe(key);
    },
  );

  it.each([
    [0, 50],
    [1, 1],
    [100, 100],
  ])('asked to hold %i items holds %i', (asked, held) => {
    expect(pageSize.parse(asked)).toBe(held);
  });

  it.each([-1, 101, 1.5])('cannot hold %d items', (asked) => {
    expect(pageSize.safeParse(asked).success).toBe(false);
  });
});

describe('a page token', () => {
  it('is absent for the first page', () => {
    expect(decodePageToken('', UUID_KEY)).toBeUndefined();
  });

  it.each([
    ['text that is no token', 'x', UUID_KEY],
    ['a token of pages of another kind', token('12'), UUID_KEY],
    ['a token of pages of another kind', token(ID), NUMBER],
    ['a key with more after it', token(`${ID}'; --`), UUID_KEY],
    ['a key with a line break after it', token(`${ID}\n`), UUID_KEY],
    ['a key in capitals', token(ID.toUpperCase()), UUID_KEY],
  ])('is refused when it is %s', (_, text, shape) => {
    expect(() => decodePageToken(text, shape)).toThrow(
      expect.objectContaining({
        reason: 'INVALID_FIELD',
        fields: [{ field: 'page_token', description: expect.any(String) }],
      }),
    );
  });
});

function token(key: string): string {
  return Buffer.from(key).toString('base64url');
}
