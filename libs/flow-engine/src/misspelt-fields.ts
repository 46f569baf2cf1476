import type { DataProblem } from './data-problems.ts';
import { isObject } from './data-fields.ts';
import { FIELDS, type NodeType } from './flow-node.ts';

/**
 * Keys of a node's data that mean nothing and are written much like one that does: saveAs, max_attempt. Other keys that mean
 * nothing are an editor's own.
 */
export function misspeltFields(type: NodeType | undefined, data: unknown): DataProblem[] {
  if (type === undefined || !isObject(data)) return [];
  const known = FIELDS[type];
  const meant = new Map(known.map((field) => [bare(field), field]));
  return Object.keys(data).flatMap((key) => {
    const field = known.includes(key) ? undefined : meant.get(bare(key));
    return field === undefined ? [] : [{ path: key, message: `is not known here; did you mean ${field}?` }];
  });
}

/** As far as spelling goes: without case, signs between words and the s of a plural. */
function bare(key: string): string {
  return key
    .slice(0, 64)
    .toLowerCase()
    .replace(/[_\s-]/g, '')
    .replace(/s$/, '');
}
