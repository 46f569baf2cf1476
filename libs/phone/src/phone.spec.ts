import { describe, expect, it } from '@jest/globals';
import { parsePhone, parsePhonePart } from './index.ts';

describe('parsePhone', () => {
  it.each([
    ['+14155550123', '+14155550123'],
    ['+1 (415) 555-0123', '+14155550123'],
    ['+1 [415] 555-0123', '+14155550123'],
    ['+1.415.555.0123', '+14155550123'],
    ['+33 6 12 34 56 78', '+33612345678'],
    [' +33612345678 ', '+33612345678'],
    ['+33\u00a06\u201112345678', '+33612345678'],
    ['+33 (0)6 12 34 56 78', '+33612345678'],
  ])('reads %s as %s', (input, expected) => {
    expect(parsePhone(input)).toBe(expected);
  });

  it.each([
    '',
    '+',
    '4155550123',
    '0014155550123',
    '+1',
    '+1415555012345678901',
    'call +14155550123',
    '+14155550123 please',
    '+14155550123 ext. 5',
    '+99912345678',
    '+1/415/5550123',
    '+1~4155550123',
    `+1${'4'.repeat(100_000)}`,
  ])('refuses %s', (input) => {
    expect(parsePhone(input)).toBeUndefined();
  });
});

describe('parsePhonePart', () => {
  it.each([
    ['(415) 555-01', '41555501'],
    [' +33 6 12', '+33612'],
    ['0', '0'],
    ['+', undefined],
    ['', undefined],
    ['555 Ada', undefined],
    ['100%', undefined],
  ])('reads %j as %j', (input, expected) => {
    expect(parsePhonePart(input)).toBe(expected);
  });
});
