/** A number that stays as it was written; JSON.stringify writes it out unchanged. */
interface RawNumber {
  readonly rawJSON: string;
}

/** Of the language since 2025; TypeScript's libraries do not know them yet. */
const json = JSON as JSON & {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
};

/** A double holds any 15 digits; only longer numbers, or those with an exponent, can come out changed. */
const MAYBE_INEXACT = /(?:^|[[:,\s])-?(?:[\d.]{16}|\d[\d.]*[eE])/;

/**
 * JSON.parse, except that a number which a double would change stays as it was written; but not in what is nested deeper
 * than the stack lets a reviver go, some thousands of levels, which nobody takes.
 */
export function parseJson(text: string): unknown {
  if (!MAYBE_INEXACT.test(text)) return JSON.parse(text) as unknown;
  try {
    return JSON.parse(text, keepExact) as unknown;
  } catch (error) {
    if (error instanceof RangeError) return JSON.parse(text) as unknown;
    throw error;
  }
}

/** The number as a double, where the value is one, however it was parsed. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return json.isRawJSON(value) ? Number(value.rawJSON) : undefined;
}

function keepExact(this: unknown, _key: string, value: unknown, context?: { source: string }): unknown {
  if (typeof value !== 'number' || !context) return value;
  return canonical(String(value)) === canonical(context.source) ? value : json.rawJSON(context.source);
}

/** Significant digits and exponent: the same for 30, 30.0 and 3e1. */
function canonical(literal: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  if (whole === undefined) return literal;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
