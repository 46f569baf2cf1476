import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** No number written by a person is longer; the parser is not asked about more. */
const MAX_LENGTH = 64;

/** A plus, then digits with spaces, dashes, dots and brackets between them. */
const SHAPE = /^\s*\+[\d\s()[\].\p{Dash}]+$/u;

/**
 * An international number with a leading `+` in E.164, or undefined where it is not a possible number.
 * Spaces, dashes, dots and brackets are passed over: `+1 (415) 555-0123` is `+14155550123`.
 */
export function parsePhone(input: string): string | undefined {
  if (input.length > MAX_LENGTH || !SHAPE.test(input)) return undefined;
  // Without extract: false the parser accepts text around a number.
  const number = parsePhoneNumberFromString(input.trim(), { extract: false });
  return number?.isPossible() && !number.ext ? number.number : undefined;
}

/** Those of SHAPE, in any number and order. */
const PART = /^[+\d\s()[\].\p{Dash}]*$/u;

/**
 * A part of a number as E.164 has it, or undefined where the text holds anything but digits, a plus and what people write
 * between them: `(415) 555-01` is `41555501`.
 */
export function parsePhonePart(input: string): string | undefined {
  if (!PART.test(input)) return undefined;
  const part = input.replace(/[^+\d]/g, '');
  return /\d/.test(part) ? part : undefined;
}
