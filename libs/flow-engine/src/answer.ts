import { parsePhone } from '@parley/phone';
import { z } from 'zod';
import type { Effort } from './effort.ts';
import { numberOf } from './filters.ts';
import { matchesPattern } from './linear-pattern.ts';
import type { LinearPattern } from './linear-pattern.ts';

/** The free answers that a question can ask for. */
export interface InputRule {
  kind: 'text' | 'number' | 'email' | 'phone' | 'date';
  /** The trimmed answer has to match it, too. */
  pattern: LinearPattern | undefined;
}

export interface Choice {
  id: string;
  title: string;
}

/** Characters of an answer; a longer one is none. */
export const MAX_ANSWER = 4096;
const email = z.email().max(254);
const isoDate = z.iso.date();

/** The value of a free answer, undefined where it is none of that kind. Numbers become numbers, dates ISO 8601. */
export function readAnswer(
  { kind, pattern }: InputRule,
  answer: string,
  effort?: Effort,
): string | number | undefined {
  const text = kind === 'text' ? answer.trim() : typed(answer);
  if (text === '' || text.length > MAX_ANSWER) return undefined;
  if (pattern && !matchesPattern(pattern, text, effort)) return undefined;
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return readNumber(text);
    case 'email':
      return email.safeParse(text).data;
    case 'phone':
      return parsePhone(text);
    case 'date':
      return readDate(text);
  }
}

/** A place in a list, as people type it: 2, 2. or 2), or the key of an emoji. */
const PLACE = /^(\d{1,2})(?:[.)]|\u20e3)?$/;

/** The choice that an answer names: by its id, its title, or its place in the list, as a channel without buttons shows it. */
export function findChoice(choices: readonly Choice[], answer: string): Choice | undefined {
  if (answer.length > MAX_ANSWER) return undefined;
  const text = plain(answer);
  if (text === '') return undefined;
  return (
    choices.find(({ title }) => plain(title) === text) ??
    choices.find(({ id }) => plain(id) === text) ??
    choices[Number(PLACE.exec(text)?.[1] ?? 0) - 1]
  );
}

/**
 * One comma or point is the decimal one of half the world; but 1,000 and 1.000 are a thousand to the other half, and so nothing
 * that can be told. The decimal sign of Arabic script is no other.
 */
function readNumber(text: string): number | undefined {
  const number = text.replace(/^\u2212/, '-');
  if (/^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(number)) return undefined;
  if (number.includes('\u066b')) return numberOf(number.replace('\u066b', '.'));
  return numberOf(/^[^.,]*,[^.,]*$/.test(number) ? number.replace(',', '.') : number);
}

/** 2026-05-07, and 7.5.2026 or 07/05/2026, the day first. */
function readDate(text: string): string | undefined {
  const local = /^(\d{1,2})[./](\d{1,2})[./](\d{4})$/.exec(text);
  const [, day = '', month = '', year = ''] = local ?? [];
  return isoDate.safeParse(local ? `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}` : text).data;
}

/** What makes no difference between a title and an answer: its form in Unicode, its case, what is not seen. */
export function plain(text: string): string {
  // Both ways, as STRASSE is straße, and a Σ at a word's end is σ elsewhere; and İ leaves a dot behind.
  return (
    typed(
      text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('i\u0307', 'i').replaceAll('\ufe0f', ''),
    )
      // As phones write them.
      .replace(/[\u2018\u2019\u02bc]/g, "'")
      .replace(/[\u201c\u201d]/g, '"')
  );
}

/** Marks of direction and joints of width zero, which keyboards and copied numbers bring along. Not those that make an emoji. */
const UNSEEN = /[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** The zeros of decimal digits other than 0 to 9, each followed by its one to nine. */
const ZEROS = [
  ...[0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20],
  ...[0x1040, 0x17e0, 0x1810, 0xff10],
];

/** As it was meant by whoever typed it: without what is not seen, and with the digits 0 to 9. */
function typed(text: string): string {
  return text
    .replace(UNSEEN, '')
    .replace(/\p{Nd}/gu, (digit) => {
      const code = digit.codePointAt(0)!;
      const zero = ZEROS.find((first) => code >= first && code <= first + 9);
      return zero === undefined ? digit : String(code - zero);
    })
    .trim();
}
