import { z } from 'zod';
import type { JsonValue } from './json-value.ts';
import type { TemplateFilter } from './template.ts';

/** What a filter makes of a value; undefined: nothing, so that a later `default` is used. */
export type FilterResult = JsonValue | undefined;

/** A text as templates and comparisons see a value: JSON for lists and objects, nothing for what is missing. */
export function textOf(value: FilterResult): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The number a value is or reads as; undefined where it is none. Hexadecimal and the like are no numbers. */
export function numberOf(value: FilterResult): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  return /^\s*[+-]?\d{1,15}(?:\.\d{1,15})?\s*$/.test(value) ? Number(value) : undefined;
}

/** Applies one filter. What is missing stays missing, but for `default`; null has a JSON. Never throws. */
export function applyFilter({ name, argument }: TemplateFilter, value: FilterResult): FilterResult {
  if (name === 'default') return value === undefined || value === null || value === '' ? argument : value;
  if (value === undefined || (value === null && name !== 'json')) return undefined;
  switch (name) {
    case 'upper':
      return textOf(value).toUpperCase();
    case 'lower':
      return textOf(value).toLowerCase();
    case 'trim':
      return textOf(value).trim();
    case 'number':
      return formatNumber(numberOf(value), argument);
    case 'date':
      return formatDate(value, typeof argument === 'string' ? argument : 'yyyy-MM-dd');
    case 'json':
      return JSON.stringify(value);
    case 'urlencode':
      return encodeURIComponent(textOf(value).toWellFormed());
  }
}

function formatNumber(value: number | undefined, decimals: string | number | undefined): FilterResult {
  if (value === undefined) return undefined;
  if (typeof decimals !== 'number') return String(value);
  // By its digits, as a person rounds: as a double 1.005 is a little less. A half goes away from zero.
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
  // 1e-7 and 1e21 are written in another way; the first is nothing, and of the second no digit behind the point is known.
  if (whole === '') return value.toFixed(decimals);
  const kept = BigInt(whole + fraction.padEnd(decimals + 1, '0').slice(0, decimals + 1));
  const rounded = ((kept + 5n) / 10n).toString().padStart(decimals + 1, '0');
  const point = rounded.length - decimals;
  const text = decimals === 0 ? rounded : `${rounded.slice(0, point)}.${rounded.slice(point)}`;
  return /[1-9]/.test(text) ? sign + text : text;
}

const isoDate = z.iso.date();
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** The longest text of a time: with nine digits of a second and an offset. */
const MAX_TIME = 35;

/** The time in a text of ISO 8601, without white space around it; one without an offset is in UTC. Undefined where it is none. */
export function timeOf(text: string): Date | undefined {
  // V8 takes February 30 for March 2.
  if (text.length > MAX_TIME || !ISO_TIME.test(text) || !isoDate.safeParse(text.slice(0, 10)).success)
    return undefined;
  const zoned = text.length > 10 && !/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text;
  const time = new Date(zoned.replace(' ', 'T'));
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function formatDate(value: FilterResult, format: string): FilterResult {
  const time = timeOf(textOf(value).trim());
  if (!time) return undefined;
  const [date = '', clock = ''] = time.toISOString().split('T');
  // An offset can lead out of the years of four digits.
  if (date.length !== 10) return undefined;
  const [year = '', month = '', day = ''] = date.split('-');
  const [hours = '', minutes = '', seconds = ''] = clock.slice(0, 8).split(':');
  const tokens: Record<string, string> = {
    yyyy: year,
    MM: month,
    dd: day,
    HH: hours,
    mm: minutes,
    ss: seconds,
  };
  return format.replace(/yyyy|MM|dd|HH|mm|ss/g, (token) => tokens[token] ?? token);
}
