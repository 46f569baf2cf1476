import { COST } from './effort.ts';
import type { Effort } from './effort.ts';
import { numberOf, textOf, timeOf } from './filters.ts';
import type { FilterResult } from './filters.ts';
import { matchesPattern } from './linear-pattern.ts';
import type { LinearPattern } from './linear-pattern.ts';
import { evaluate, writtenOut } from './render.ts';
import type { Scope, Template } from './render.ts';

export type ValueOperator =
  'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte' | 'contains' | 'not_contains' | 'starts_with' | 'ends_with';

/** The right side of a comparison: a text that may hold templates, or a value as it is. */
export type Operand = Template | number | boolean;

export type Comparison = { left: Template } & (
  | { op: ValueOperator; right: Operand }
  | { op: 'in'; right: Operand[] }
  | { op: 'exists' | 'empty' }
  | { op: 'matches'; right: LinearPattern }
);

/**
 * Whether a comparison holds. Two values that both are numbers, or texts that read as such, are compared as numbers,
 * two dates or times of ISO 8601 as times, others as texts, by UTF-16 units. Never throws.
 */
export function holds(comparison: Comparison, scope: Scope): boolean {
  const { effort } = scope;
  // What is missing is what conditions ask about: no warning.
  const value = evaluate(comparison.left, scope, []);
  switch (comparison.op) {
    case 'exists':
      return value !== undefined && value !== null;
    case 'empty':
      return isEmpty(value, effort);
    case 'matches':
      return matchesPattern(comparison.right, writtenOut(value, effort), effort);
    case 'in':
      return isOneOf(value, comparison.right, scope);
    default:
      return compare(
        comparison.op,
        comparable(comparison.op, value, effort),
        valueOf(comparison.right, scope),
        effort,
      );
  }
}

/** Lists and objects as the text they are compared as, written once; but for a list whose elements are looked at. */
function comparable(op: ValueOperator, value: FilterResult, effort: Effort | undefined): FilterResult {
  if (Array.isArray(value) && (op === 'contains' || op === 'not_contains')) return value;
  return typeof value === 'object' && value !== null ? writtenOut(value, effort) : value;
}

function compare(
  op: ValueOperator,
  left: FilterResult,
  right: FilterResult,
  effort: Effort | undefined,
): boolean {
  switch (op) {
    case 'eq':
      return order(left, right) === 0;
    case 'neq':
      return order(left, right) !== 0;
    case 'gt':
      return areThere(left, right) && order(left, right) > 0;
    case 'gte':
      return areThere(left, right) && order(left, right) >= 0;
    case 'lt':
      return areThere(left, right) && order(left, right) < 0;
    case 'lte':
      return areThere(left, right) && order(left, right) <= 0;
    case 'contains':
      return contains(left, right, effort);
    case 'not_contains':
      return !contains(left, right, effort);
    case 'starts_with':
      return textOf(left).startsWith(textOf(right));
    case 'ends_with':
      return textOf(left).endsWith(textOf(right));
  }
}

/** Less than, equal to or more than 0, as left is to right. */
function order(left: FilterResult, right: FilterResult): number {
  return orderOf(readingOf(left), readingOf(right));
}

/** A value as it is compared: the number or the time it is or reads as, if it does, and its text. */
interface Reading {
  number: number | undefined;
  time: number | undefined;
  text: string;
}

/** asTime: whether it is compared with a time; reading one takes long. */
function readingOf(value: FilterResult, effort?: Effort, asTime = true): Reading {
  const text = writtenOut(value, effort);
  const time = asTime ? timeOf(text)?.getTime() : undefined;
  if (time !== undefined) effort?.spend(COST.time);
  return { number: numberOf(value), time, text };
}

function orderOf(left: Reading, right: Reading): number {
  if (left.number !== undefined && right.number !== undefined) return left.number - right.number;
  if (left.time !== undefined && right.time !== undefined) return left.time - right.time;
  return left.text === right.text ? 0 : left.text < right.text ? -1 : 1;
}

function isOneOf(value: FilterResult, list: readonly Operand[], scope: Scope): boolean {
  const { effort } = scope;
  const left = readingOf(value, effort);
  effort?.spend(left.text.length * list.length);
  const isTime = left.time !== undefined;
  return list.some((right) => orderOf(left, readingOf(valueOf(right, scope), effort, isTime)) === 0);
}

/** A list contains its elements, a text the texts in it. */
function contains(left: FilterResult, right: FilterResult, effort: Effort | undefined): boolean {
  if (!Array.isArray(left)) return containsText(textOf(left), textOf(right), effort);
  // Read once: it may be as long as the list.
  const sought = readingOf(right);
  return left.some((element) => {
    // The sprint fails, and nobody reads what comes of it.
    if (effort?.isOver) return false;
    const reading = readingOf(element, effort, sought.time !== undefined);
    effort?.spend(COST.element + reading.text.length);
    return orderOf(reading, sought) === 0;
  });
}

/** The search of V8 can come to look at the text sought, or most of it, at each place of the text searched. */
function containsText(text: string, sought: string, effort: Effort | undefined): boolean {
  effort?.spend((text.length * sought.length) / COST.soughtPerCharacter);
  return effort?.isOver ? false : text.includes(sought);
}

/** What is missing is neither more nor less than anything. */
function areThere(left: FilterResult, right: FilterResult): boolean {
  return isThere(left) && isThere(right);
}

function isThere(value: FilterResult): boolean {
  return value !== undefined && value !== null && value !== '';
}

function isEmpty(value: FilterResult, effort: Effort | undefined): boolean {
  if (typeof value !== 'object' || value === null) return !isThere(value);
  if (Array.isArray(value)) return value.length === 0;
  const keys = Object.keys(value).length;
  effort?.spend(keys * COST.countedKey);
  return keys === 0;
}

function valueOf(operand: Operand, scope: Scope): FilterResult {
  if (typeof operand !== 'object') return operand;
  const value = evaluate(operand, scope, []);
  return typeof value === 'object' && value !== null ? writtenOut(value, scope.effort) : value;
}
