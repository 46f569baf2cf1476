import { describe, expect, it } from '@jest/globals';
import { CONTEXT_LIMITS, checkJsonObject, checkJsonText, parseJson } from './index.ts';

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
