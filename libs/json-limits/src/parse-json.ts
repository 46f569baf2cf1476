import { randomUUID } from 'node:crypto';

/** A number that stays as it was written; JSON.stringify writes it out unchanged. */
interface RawNumber {
  readonly rawJSON: string;
}

/** Of the language since 2025; TypeScript's libraries do not know them yet. */
const json = JSON as JSON & {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

/** So many digits a double holds, whatever they are; longer numbers, or those with an exponent, can come out changed. */
const EXACT_DIGITS = 15;
const MAYBE_INEXACT = /(?:^|[[:,\s])-?(?:[\d.]{16}|\d[\d.]*[eE])/;

/**
 * JSON.parse, except that a number which a double would change stays as it was written.
 *
 * Such numbers are looked for in the text. A reviver would be told of them, too, but of every other value as well: it takes
 * thirty times as long as JSON.parse, seconds for some megabytes.
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  if (!MAYBE_INEXACT.test(text)) return value;
  const inexact = inexactNumbers(text);
  if (inexact.length === 0) return value;
  // What no text has stands in for them until all is parsed.
  const placeholder = randomUUID();
  const parts: string[] = [];
  let copied = 0;
  for (const { start, end } of inexact) {
    parts.push(text.slice(copied, start), `{"${placeholder}":"${text.slice(start, end)}"}`);
    copied = end;
  }
  parts.push(text.slice(copied));
  return putBack([JSON.parse(parts.join(''))], placeholder)[0];
}

/** The number as a double, where the value is one, however it was parsed. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return json.isRawJSON(value) ? Number(value.rawJSON) : undefined;
}

/** Where the numbers stand, in a text that is JSON, that a double would change. */
function inexactNumbers(text: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (let start = 0; start < text.length; start++) {
    const first = text[start]!;
    if (first === '"') {
      start = endOfString(text, start);
    } else if (first === '-' || isDigit(first)) {
      let end = start + 1;
      while (end < text.length && isPartOfNumber(text[end]!)) end += 1;
      if (!isExact(text.slice(start, end))) found.push({ start, end });
      start = end - 1;
    }
  }
  return found;
}

/** Where the string ends that begins at a quotation mark: at its other one. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

function isPartOfNumber(character: string): boolean {
  return isDigit(character) || '.eE+-'.includes(character);
}

function isExact(literal: string): boolean {
  const value = Number(literal);
  const size = Math.abs(value);
  // Those of smaller size have fewer digits.
  if (literal.length <= EXACT_DIGITS && size > 1e-300 && size < Infinity) return true;
  return canonical(String(value)) === canonical(literal);
}

/** Significant digits and exponent: the same for 30, 30.0 and 3e1. */
function canonical(literal: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  if (whole === undefined) return literal;
  const digits = (whole + fraction).replace(/^0+/, '');
  let end = digits.length;
  // By no pattern: /0+$/ looks at zeros in the middle again from each of them.
  while (digits[end - 1] === '0') end -= 1;
  const significant = digits.slice(0, end);
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/** Puts numbers where their placeholders are, in a list and all that it holds. */
function putBack(root: unknown[], placeholder: string): unknown[] {
  const holders: object[] = [root];
  for (let holder = holders.pop(); holder !== undefined; holder = holders.pop()) {
    for (const key of Object.keys(holder)) {
      const value = (holder as Record<string, unknown>)[key];
      if (typeof value !== 'object' || value === null) continue;
      const literal = (value as Record<string, string>)[placeholder];
      if (literal === undefined) holders.push(value);
      // "__proto__" as well: JSON.parse has made it a key like any other.
      else (holder as Record<string, unknown>)[key] = json.rawJSON(literal);
    }
  }
  return root;
}
