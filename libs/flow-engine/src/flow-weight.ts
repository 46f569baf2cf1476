import type { CompiledFlow } from './compile-flow.ts';
import { isLinearPattern, patternBytes } from './linear-pattern.ts';

/** Of an object, a list or a text, beside what is in it. */
const OVERHEAD = 40;
const FIELD = 16;

/**
 * About how many bytes a compiled flow keeps in memory, for caches of them. Some nodes take a thousand times as many as
 * others: those with a pattern, and those whose texts are full of templates.
 */
export function flowWeight(flow: CompiledFlow): number {
  return weightOf(flow);
}

function weightOf(value: unknown): number {
  if (typeof value === 'string') return OVERHEAD + value.length;
  if (typeof value !== 'object' || value === null) return 0;
  if (isLinearPattern(value)) return patternBytes(value);
  let weight = OVERHEAD;
  for (const part of value instanceof Map ? [...value].flat() : Object.values(value)) {
    weight += FIELD + weightOf(part);
  }
  return weight;
}
