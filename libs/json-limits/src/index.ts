import { asNumber, parseJson } from './parse-json.ts';

export { asNumber, parseJson };

/** How large and how deep a free JSON object may be. */
export interface JsonLimits {
  /** Of its text without white space, in UTF-8 bytes. */
  maxBytes: number;
  /** Levels of objects and arrays, the outermost being 1. */
  maxDepth: number;
}

/** The limits of a session's context and of a contact's metadata. */
export const CONTEXT_LIMITS: JsonLimits = { maxBytes: 64 * 1024, maxDepth: 20 };

/** The limits of a flow's definition. */
export const DEFINITION_LIMITS: JsonLimits = { maxBytes: 1024 * 1024, maxDepth: 100 };

export type CheckedJson = { text: string } | { problem: string };

/**
 * Checks a value that came out of parseJson and gives its text. The value must be an object, within the limits,
 * without NUL characters (Postgres stores none), lone surrogates, or integers beyond 2^53 - 1, which most consumers
 * would read as another number. It is only ever walked and written out again, never merged into
 * another object, so a key such as `__proto__` is a key like any other.
 */
export function checkJsonObject(value: unknown, limits: JsonLimits): CheckedJson {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: 'must be an object' };
  }
  const problem = findProblem(value, 1, limits.maxDepth);
  if (problem !== undefined) return { problem };
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > limits.maxBytes) {
    return { problem: `must not be larger than ${limits.maxBytes / 1024} KiB` };
  }
  return { text };
}

/** checkJsonObject for a text, as it comes over gRPC. */
export function checkJsonText(text: string, limits: JsonLimits): CheckedJson {
  // So much white space nobody needs; do not parse it.
  if (text.length > limits.maxBytes * 2) {
    return { problem: `must not be larger than ${limits.maxBytes / 1024} KiB` };
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return { problem: 'must be valid JSON' };
  }
  return checkJsonObject(value, limits);
}

function findProblem(value: unknown, depth: number, maxDepth: number): string | undefined {
  if (typeof value === 'string') return stringProblem(value);
  const number = asNumber(value);
  if (number !== undefined) return numberProblem(number);
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > maxDepth) return `must not be nested deeper than ${maxDepth} levels`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const problem = findProblem(item, depth + 1, maxDepth);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    const problem = stringProblem(key) ?? findProblem(item, depth + 1, maxDepth);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function stringProblem(text: string): string | undefined {
  if (text.includes('\u0000')) return 'must not contain NUL characters';
  return text.isWellFormed() ? undefined : 'must not contain lone surrogates';
}

function numberProblem(number: number): string | undefined {
  const exact = Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
  return exact ? undefined : 'must not contain integers beyond 2^53 - 1; send them as strings';
}
