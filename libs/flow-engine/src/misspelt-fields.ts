import { z } from 'zod';
import type { DataProblem } from './data-problems.ts';
import { isObject } from './data-fields.ts';
import { DATA_OF, type NodeType } from './flow-node.ts';

/** As deep as the data of a node has fields of ours. */
const MAX_DEPTH = 4;

/**
 * Keys of a node's data, and of what is in it, that mean nothing and are written much like one that does: saveAs, max_attempt,
 * timout_minutes. Other keys that mean nothing are an editor's own.
 */
export function misspeltFields(type: NodeType | undefined, data: unknown): DataProblem[] {
  return type === undefined ? [] : [...misspeltIn(DATA_OF[type], data, '', MAX_DEPTH)];
}

function* misspeltIn(schema: unknown, value: unknown, path: string, depth: number): Generator<DataProblem> {
  if (depth === 0) return;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    yield* misspeltIn(schema.unwrap(), value, path, depth);
  } else if (schema instanceof z.ZodArray && Array.isArray(value)) {
    for (const [index, item] of value.entries())
      yield* misspeltIn(schema.element, item, `${path}[${index}]`, depth - 1);
  } else if (schema instanceof z.ZodObject && isObject(value)) {
    const fields = Object.keys(schema.shape);
    for (const [key, item] of Object.entries(value)) {
      const place = `${path}${path === '' ? '' : '.'}${key.slice(0, 64)}`;
      if (fields.includes(key)) {
        yield* misspeltIn(schema.shape[key], item, place, depth - 1);
        continue;
      }
      const field = fields.find((known) => !Object.hasOwn(value, known) && isMeant(key, known));
      if (field !== undefined) yield { path: place, message: `is not known here; did you mean ${field}?` };
    }
  }
}

/** The same but for case and signs between words, or but for one letter; or its beginning: save, timeout. */
function isMeant(key: string, field: string): boolean {
  const [written, known] = [bare(key), bare(field)];
  if (written.length < 4) return written === known;
  return known.startsWith(written) || isOneEditAway(written, known);
}

function bare(key: string): string {
  return key
    .slice(0, 64)
    .toLowerCase()
    .replace(/[_\s-]/g, '');
}

/** A letter more, less or another one, or two that changed places. */
function isOneEditAway(text: string, other: string): boolean {
  if (Math.abs(text.length - other.length) > 1) return false;
  let start = 0;
  while (start < text.length && text[start] === other[start]) start += 1;
  let end = 0;
  while (end < Math.min(text.length, other.length) - start && text.at(-1 - end) === other.at(-1 - end))
    end += 1;
  const [left, right] = [text.slice(start, text.length - end), other.slice(start, other.length - end)];
  return (left.length <= 1 && right.length <= 1) || (left.length === 2 && left === right[1]! + right[0]!);
}
