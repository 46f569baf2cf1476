import { z } from 'zod';
import { parsePattern } from './safe-pattern.ts';
import { parseTemplate } from './template.ts';

/** Marks an issue of zod as one of a template, so that it is reported under its own code. */
export const TEMPLATE_ISSUE = { flowProblem: 'TEMPLATE_INVALID' };

/** A text that may hold templates. Its length counts UTF-16 units, templates unrendered. */
export function templateText(max: number, min: 0 | 1 = 1) {
  return z
    .string()
    .min(min)
    .max(max, { abort: true })
    .superRefine((text, context) => {
      const parsed = parseTemplate(text);
      if ('parts' in parsed) return;
      context.addIssue({ code: 'custom', message: parsed.problem, params: TEMPLATE_ISSUE });
    });
}

/** A text that is used as it is. A template in it would go unnoticed, so there must be none. */
export function plainText(max: number) {
  return z
    .string()
    .min(1)
    .max(max, { abort: true })
    .refine((text) => !text.includes('{{'), { error: 'must not hold templates' });
}

/** The name under which a value is kept in the context: a letter, then letters, digits and _, at most 64. */
export const contextName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, { error: 'must be a letter and up to 63 letters, digits and _' });

/** A place in the context, at most 8 names deep: `context.cart.total`. */
export const contextPath = z.string().regex(/^context(?:\.[A-Za-z][A-Za-z0-9_]{0,63}){1,8}$/, {
  error: 'must be context. and up to 8 names of letters, digits and _, with dots between them',
});

/** A regular expression that a linear-time engine can run, made ready for it. */
export const pattern = z
  .string()
  .min(1)
  .transform((text, context) => {
    const parsed = parsePattern(text);
    if ('pattern' in parsed) return parsed.pattern;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  });

/** The id of a choice or case, which names a handle: 1 to 64 characters and none of the node's own handles. */
export function handleId(own: readonly string[]) {
  return plainText(64).refine((id) => id !== 'default' && !own.includes(id), {
    error: `must not be default or ${own.join(', ')}: those are handles already`,
  });
}

/** A list of things with ids, no id twice. */
export function listWithIds<Item extends z.ZodType<{ id: string }>>(item: Item, max: number) {
  return z
    .array(item)
    .min(1)
    .max(max)
    .refine((items) => new Set(items.map(({ id }) => id)).size === items.length, {
      error: 'must not have the same id twice',
    });
}

/** An object used as a dictionary. It becomes a Map, so that `__proto__` is a key like any other. */
export function dictionary<Value extends z.ZodType>(key: z.ZodType<string>, value: Value, max: number) {
  return z.preprocess(
    (input, context) => {
      if (!isObject(input)) return input;
      const entries = Object.entries(input);
      if (entries.length <= max) return new Map(entries);
      context.addIssue({ code: 'custom', message: `must not have more than ${max} keys` });
      return z.NEVER;
    },
    z.map(key, value, { error: 'must be an object' }),
  );
}

/** Refuses data that has none or several of some keys. */
export function exactlyOneOf<Key extends string>(...keys: Key[]) {
  return [
    (data: Partial<Record<Key, unknown>>) => keys.filter((key) => data[key] !== undefined).length === 1,
    { error: `must have ${keys.join(' or ')}, and only one of them` },
  ] as const;
}

/** Whether a value out of JSON is an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
