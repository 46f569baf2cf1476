import { COST } from './effort.ts';
import type { Effort } from './effort.ts';
import { applyFilter, textOf } from './filters.ts';
import type { FilterResult } from './filters.ts';
import { cleanText, valueAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { parseTemplate } from './template.ts';
import type { TemplateFilter, TemplatePart, TemplateRoot, TemplateValue } from './template.ts';

/** Characters a rendered text has at most; what is longer is cut, with a warning. */
export const MAX_RENDERED = 10_000;
/** Characters of a path that a warning names. */
const MAX_NAMED = 200;

/** A text that was parsed once. */
export type Template = readonly TemplatePart[];

/** What templates can read, and what doing so has cost. */
export type Scope = Record<TemplateRoot, JsonObject> & { readonly effort?: Effort };

/** Parses a text that the publishing checks let through. */
export function compileTemplate(text: string): Template {
  const parsed = parseTemplate(text);
  return 'parts' in parsed ? parsed.parts : [text];
}

/** The text with its values, which are never read as templates again, and up to so many characters. */
export function render(template: Template, scope: Scope, warnings: string[], limit = MAX_RENDERED): string {
  let output = '';
  for (const part of template) {
    const text = typeof part === 'string' ? part : textIn(part, scope, warnings);
    scope.effort?.spend(text.length);
    output += text;
    if (output.length > limit) {
      warnings.push(`the text was cut after ${limit} characters`);
      return cleanText(output.slice(0, limit));
    }
  }
  return cleanText(output);
}

/** In JSON, what is missing is null. */
function textIn(value: TemplateValue, scope: Scope, warnings: string[]): string {
  const found = valueOf(value, scope, warnings);
  if (found === undefined && value.filters.at(-1)?.name === 'json') return 'null';
  return writtenOut(found, scope.effort);
}

/** As render, but a template that is nothing but one value gives the value itself: a number, a list, nothing. */
export function evaluate(template: Template, scope: Scope, warnings: string[]): FilterResult {
  const [only] = template;
  if (template.length !== 1 || typeof only !== 'object') return render(template, scope, warnings);
  const value = valueOf(only, scope, warnings);
  if (typeof value !== 'string') return value;
  scope.effort?.spend(value.length);
  return cleanText(value);
}

/** A value as a text; where it has to be written out for that, it counts. */
export function writtenOut(value: FilterResult, effort: Effort | undefined): string {
  const text = textOf(value);
  if (typeof value === 'object' && value !== null) effort?.spend(text.length * COST.writing);
  return text;
}

function valueOf({ root, path, filters }: TemplateValue, scope: Scope, warnings: string[]): FilterResult {
  // The sprint fails, and nobody reads what comes of it.
  if (scope.effort?.isOver) return undefined;
  let value: FilterResult = valueAt(scope[root], path);
  let unread = '';
  for (const filter of filters) {
    const before = value;
    value = filtered(filter, before, scope.effort);
    if (before !== undefined && before !== null && value === undefined) unread = filter.name;
    // Filters in a row could double a text again and again.
    if (typeof value === 'string' && value.length > MAX_RENDERED) {
      value = value.slice(0, MAX_RENDERED);
      warnings.push(`a value was cut after ${MAX_RENDERED} characters`);
    }
  }
  if (value === undefined || value === null) {
    const problem = unread === '' ? 'has no value' : `is nothing that ${unread} can read`;
    warnings.push(`${[root, ...path].join('.').slice(0, MAX_NAMED)} ${problem}`);
  }
  return value;
}

/** What a filter makes of a value. It counts what the filter reads, too: of much it can make nothing. */
function filtered(filter: TemplateFilter, value: FilterResult, effort: Effort | undefined): FilterResult {
  const isNested = typeof value === 'object' && value !== null;
  const isRead = filter.name !== 'default';
  // All that the others see of a list or an object is its JSON, which is what `json` gives.
  const read = isRead && isNested ? writtenOut(value, effort) : value;
  const perCharacter = filter.name === 'upper' || filter.name === 'lower' ? COST.casing : 1;
  if (isRead && typeof read === 'string') effort?.spend(read.length * perCharacter);
  const result = isNested && filter.name === 'json' ? read : applyFilter(filter, read);
  effort?.spend(typeof result === 'string' ? result.length : 1);
  return result;
}
