import { COST } from './effort.ts';
import type { Effort } from './effort.ts';
import { isJsonObject, valueAt } from './json-value.ts';
import type { JsonObject, JsonValue } from './json-value.ts';

/** A value and the path in the context, of one name or more, that it is to have. No name is `__proto__`. */
export type ContextChange = readonly [path: readonly string[], value: JsonValue];

/**
 * The context with the changes made, one after the other; what is no object on the way to a path is replaced by one. The
 * context it is given stays as it is: what changes is copied, and only once however many changes there are.
 */
export function withChanges(
  context: JsonObject,
  changes: readonly ContextChange[],
  effort: Effort,
): JsonObject {
  const copies = new Set<JsonObject>();
  const ownCopyOf = (object: JsonObject): JsonObject => {
    if (copies.has(object)) return object;
    const copy = { ...object };
    effort.spend(Object.keys(copy).length * COST.copiedKey);
    copies.add(copy);
    return copy;
  };
  const changed = ownCopyOf(context);
  for (const [path, value] of changes) {
    let object = changed;
    for (const name of path.slice(0, -1)) {
      const inner = valueAt(object, [name]);
      object = object[name] = ownCopyOf(isJsonObject(inner) ? inner : {});
    }
    object[path.at(-1)!] = value;
  }
  return changed;
}
