import { numberOf, textOf } from './filters.ts';
import type { FilterResult } from './filters.ts';
import { matchesPattern, MAX_TEXT } from './linear-pattern.ts';
import type { LinearPattern } from './linear-pattern.ts';
import { evaluate } from './render.ts';
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
 * others as texts: by UTF-16 units, so that dates of ISO 8601 compare as one expects. Never throws.
 */
export function holds(comparison: Comparison, scope: Scope): boolean {
  // What is missing is what conditions ask about: no warning.
  const left = comparable(comparison.op, evaluate(comparison.left, scope, []));
  scope.effort?.spend(costOf(comparison, left));
  switch (comparison.op) {
    case 'exists':
      return left !== undefined && left !== null;
    case 'empty':
      return isEmpty(left);
    case 'matches':
      return matchesPattern(comparison.right, textOf(left));
    case 'in':
      return comparison.right.some((right) => order(left, valueOf(right, scope)) === 0);
    default:
      return compare(comparison.op, left, valueOf(comparison.right, scope));
  }
}

/** How much more it takes to match a character than to read it. */
const MATCHING = 20;

function costOf(comparison: Comparison, left: FilterResult): number {
  const length = textOf(left).length;
  if (comparison.op === 'in') return length * comparison.right.length;
  return comparison.op === 'matches' ? Math.min(length, MAX_TEXT) * MATCHING : length;
}

/** Lists and objects as the text they are compared as, written once; but for a list whose elements are looked at. */
function comparable(op: Comparison['op'], value: FilterResult): FilterResult {
  if (typeof value !== 'object' || value === null || op === 'exists' || op === 'empty') return value;
  return Array.isArray(value) && (op === 'contains' || op === 'not_contains') ? value : textOf(value);
}

function compare(op: ValueOperator, left: FilterResult, right: FilterResult): boolean {
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
      return contains(left, right);
    case 'not_contains':
      return !contains(left, right);
    case 'starts_with':
      return textOf(left).startsWith(textOf(right));
    case 'ends_with':
      return textOf(left).endsWith(textOf(right));
  }
}

function order(left: FilterResult, right: FilterResult): number {
  const [leftNumber, rightNumber] = [numberOf(left), numberOf(right)];
  if (leftNumber !== undefined && rightNumber !== undefined) return leftNumber - rightNumber;
  const [leftText, rightText] = [textOf(left), textOf(right)];
  return leftText === rightText ? 0 : leftText < rightText ? -1 : 1;
}

/** A list contains its elements, a text the texts in it. */
function contains(left: FilterResult, right: FilterResult): boolean {
  if (Array.isArray(left)) return left.some((element) => order(element, right) === 0);
  return textOf(left).includes(textOf(right));
}

/** What is missing is neither more nor less than anything. */
function areThere(left: FilterResult, right: FilterResult): boolean {
  return isThere(left) && isThere(right);
}

function isThere(value: FilterResult): boolean {
  return value !== undefined && value !== null && value !== '';
}

function isEmpty(value: FilterResult): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return !isThere(value);
}

function valueOf(operand: Operand, scope: Scope): FilterResult {
  if (typeof operand !== 'object') return operand;
  const value = evaluate(operand, scope, []);
  const written = typeof value === 'object' && value !== null ? textOf(value) : value;
  if (typeof written === 'string') scope.effort?.spend(written.length);
  return written;
}
