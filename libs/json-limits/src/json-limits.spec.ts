import { describe, expect, it } from '@jest/globals';
import { CONTEXT_LIMITS, checkJsonObject, checkJsonText, parseJson } from './index.ts';

/** Of two numbers as they may be written in JSON. */
function isSameNumber(one: string, other: string): boolean {
  const [[a, m], [b, n]] = [one, other].map((literal): [bigint, number] => {
    const [digits, exponent = '0'] = literal.split('e') as [string, string?];
    const [whole, fraction = ''] = digits.split('.') as [string, string?];
    return [BigInt(whole + fraction), Number(exponent) - fraction.length];
  }) as [[bigint, number], [bigint, number]];
  const least = Math.min(m, n);
  return a * 10n ** BigInt(m - least) === b * 10n ** BigInt(n - least);
}

const nested = (levels: number): string => '{"a":'.repeat(levels - 1) + '{}' + '}'.repeat(levels - 1);

describe('checkJsonObject', () => {
  it('gives the text of an object back unchanged, whatever its keys are called', () => {
    const text =
      '{"z":1,"a":[1.5,-0.1,{"é":"🦜"}],"__proto__":{"x":1},"constructor":{"prototype":{}},"e":{}}';
    expect(checkJsonObject(JSON.parse(text), CONTEXT_LIMITS)).toEqual({ text });
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it.each([
    '{"a":0.12345678901234567890123,"b":[1234567890123.4567,1e-400,-1.5e-30]}',
    '{"a":0.1,"b":123456789012345,"c":9007199254740991,"d":"0.12345678901234567890123"}',
  ])('keeps the numbers of %s as they were written', (text) => {
    expect(checkJsonText(text, CONTEXT_LIMITS)).toEqual({ text });
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it('reads numbers a double holds as such, however they are written', () => {
    expect(parseJson('[30.0,3e1,1e21,1.50,-0.0,30.0000000000000000]')).toEqual([30, 30, 1e21, 1.5, -0, 30]);
  });

  it('keeps numbers wherever they stand, and leaves alone what only looks like one', () => {
    const texts = [
      '12345678901234567890',
      '-1e400',
      '{"__proto__":12345678901234567890,"a":{"__proto__":{"b":[1e-400]}}}',
      '["12345678901234567890","\\"1e400","\\\\",1e400,"\\\\\\"12345678901234567890"]',
      '{"1e400":0.1234567890123456789,"12345678901234567890":[]}',
    ];
    for (const text of texts) expect(JSON.stringify(parseJson(text))).toBe(text);
    expect(Object.hasOwn(parseJson(texts[2]!) as object, '__proto__')).toBe(true);
  });

  it.each([
    '[1e400,]',
    '[01234567890123456789]',
    '[1234567890123456789.]',
    '{1e400:1}',
    '[1e400',
    '["1e400]',
  ])('refuses %s as JSON.parse does', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it('keeps a number exactly where the double it becomes is another', () => {
    let state = 1;
    const below = (limit: number): number => (state = (state * 48_271) % 2_147_483_647) % limit;
    const digits = (most: number): string =>
      Array.from({ length: 1 + below(most) }, () => below(10)).join('');
    for (let n = 0; n < 20_000; n++) {
      const literal = [
        below(2) ? '-' : '',
        BigInt(digits(below(2) ? 5 : 25)),
        below(2) ? `.${digits(25)}` : '',
        below(2) ? `e${below(2) ? '-' : '+'}${digits(3)}` : '',
      ].join('');
      const double = Number(literal);
      const same = Number.isFinite(double) && isSameNumber(String(double), literal);
      const read = JSON.stringify(parseJson(`[${literal}]`));
      expect([literal, read]).toEqual([literal, same ? JSON.stringify([double]) : `[${literal}]`]);
    }
  });

  it('reads a number of millions of digits in the time it takes to look at them', () => {
    const zeros = '0'.repeat(2_000_000);
    for (const literal of [`1${zeros}1`, `0.${zeros}1${zeros}`, `1${zeros}e${zeros}1`])
      expect(JSON.stringify(parseJson(`[${literal}]`))).toBe(`[${literal}]`);
  });

  it.each([['null'], ['[]'], ['"text"'], ['1'], ['true']])('refuses %s', (text) => {
    expect(checkJsonText(text, CONTEXT_LIMITS)).toEqual({ problem: 'must be an object' });
  });

  it('takes 20 levels and refuses 21', () => {
    expect(checkJsonText(nested(20), CONTEXT_LIMITS)).toHaveProperty('text');
    expect(checkJsonText(nested(21), CONTEXT_LIMITS)).toEqual({
      problem: 'must not be nested deeper than 20 levels',
    });
  });

  it.each(['1', '1e400', '0.12345678901234567890123'])(
    'says of 100 000 levels around %s that they are too many, not that they are no JSON',
    (number) => {
      const deep = `{"a":${'['.repeat(100_000)}${number}${']'.repeat(100_000)}}`;
      const problem = 'must not be nested deeper than 20 levels';
      expect(checkJsonObject(parseJson(deep), CONTEXT_LIMITS)).toEqual({ problem });
    },
  );

  it('takes 64 KiB and refuses one byte more', () => {
    const filled = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
    expect(checkJsonObject(filled(65_536), CONTEXT_LIMITS)).toHaveProperty('text');
    expect(checkJsonObject(filled(65_537), CONTEXT_LIMITS)).toEqual({
      problem: 'must not be larger than 64 KiB',
    });
  });

  it.each([
    ['{"a":"x\\u0000y"}', 'must not contain NUL characters'],
    ['{"a\\u0000":1}', 'must not contain NUL characters'],
    ['{"a":"\\ud800"}', 'must not contain lone surrogates'],
    ['{"a":9007199254740993}', 'must not contain integers beyond 2^53 - 1; send them as strings'],
    ['{"a":[1e400]}', 'must not contain integers beyond 2^53 - 1; send them as strings'],
    ['{"a":', 'must be valid JSON'],
  ])('refuses %s', (text, problem) => {
    expect(checkJsonText(text, CONTEXT_LIMITS)).toEqual({ problem });
  });
});
