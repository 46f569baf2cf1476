/** What JSON can say. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** An object out of JSON. Its keys may be any text, `__proto__` too: read own properties only. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Whether a value is an object, and no list. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a path of names leads to, over own properties and places in lists only; undefined where it leads nowhere. */
export function valueAt(root: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let value = root;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !/^\d{1,9}$/.test(name)) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** Whether lists and objects are nested at most so deep; an object without any inside is one deep. */
export function isWithinDepth(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth <= 0) return false;
  if (Array.isArray(value)) return value.every((inner) => isWithinDepth(inner, depth - 1));
  // Of thousands of keys Object.values takes twice as long.
  return Object.keys(value).every((key) => isWithinDepth(value[key] ?? null, depth - 1));
}

/** A text as it may be stored and shown: without NUL characters and halves of characters. */
export function cleanText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replaceAll('\0', '') : whole;
}

/**
 * For JSON.parse: values that can be stored and written out again as they are. Texts and keys are clean, and a number that
 * a double does not hold, such as an id of 20 digits or 1e999, becomes the text it was written as.
 */
export function reviveClean(_key: string, value: JsonValue, context?: { source?: string }): JsonValue {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'number') return isExact(value) ? value : (context?.source ?? String(value));
  if (!isJsonObject(value) || Object.keys(value).every((key) => cleanText(key) === key)) return value;
  // Not by assignment: __proto__ is a key like any other.
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [cleanText(key), inner]));
}

/** As for a context that a client sends: integers beyond 2^53 - 1 are other numbers than those that were written. */
function isExact(number: number): boolean {
  return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
}
