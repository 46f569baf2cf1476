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
  const text = answer.trim();
  if (text === '' || text.length > MAX_ANSWER) return undefined;
  if (pattern && !matchesPattern(pattern, text, effort)) return undefined;
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      // One comma is the decimal one of half the world.
      return numberOf(/^[^.,]*,[^.,]*$/.test(text) ? text.replace(',', '.') : text);
    case 'email':
      return email.safeParse(text).data;
    case 'phone':
      return parsePhone(text);
    case 'date':
      return readDate(text);
  }
}

/** The choice that an answer names: by its id, its title, or its place in the list, as a channel without buttons shows it. */
export function findChoice(choices: readonly Choice[], answer: string): Choice | undefined {
  if (answer.length > MAX_ANSWER) return undefined;
  const text = plain(answer);
  if (text === '') return undefined;
  return (
    choices.find(({ title }) => plain(title) === text) ??
    choices.find(({ id }) => plain(id) === text) ??
    (/^\d{1,2}$/.test(text) ? choices[Number(text) - 1] : undefined)
  );
}

/** 2026-05-07, and 7.5.2026 or 07/05/2026, the day first. */
function readDate(text: string): string | undefined {
  const local = /^(\d{1,2})[./](\d{1,2})[./](\d{4})$/.exec(text);
  const [, day = '', month = '', year = ''] = local ?? [];
  return isoDate.safeParse(local ? `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}` : text).data;
}

function plain(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase();
}
