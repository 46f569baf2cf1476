import { DomainError } from '@parley/errors';
import { uuid } from '@parley/grpc';
import { checkJsonObject, type JsonLimits } from '@parley/json-limits';
import { parsePhone } from '@parley/phone';
import { z } from 'zod';
import type { Reason } from './error.answers.ts';

/** The fields that several routes share. */

/** They have no UTF-8, and would become something else on the way. */
export const LONE_SURROGATES = 'must not contain lone surrogates';

/** A text that has to be there; must: what is said of anything else than a text. */
const requiredString = (must: string) =>
  z.string({ error: ({ input }) => (input === undefined || input === null ? 'is required' : must) });

export const requiredUuid = requiredString('must be a UUID').pipe(uuid);

/** Absent, null and the empty string are the same: not given. */
export const optionalUuid = given(uuid);

/** In E.164. */
export const optionalPhone = given(phone());

export const required = requiredString('must be a string');

export const requiredPhone = required.pipe(phone());

export const requiredText = (max: number) =>
  required
    .min(1, 'is required')
    .max(max, `must not be longer than ${max} characters`)
    .refine((text) => text.isWellFormed(), LONE_SURROGATES);

/** A free JSON object within limits, as text: it is passed on and given back as it came. */
export const jsonObject = (limits: JsonLimits) =>
  z.unknown().transform((value, context) => {
    const checked = checkJsonObject(value, limits);
    if ('text' in checked) return checked.text;
    context.addIssue(checked.problem);
    return z.NEVER;
  });

/** The id in a path. What is not a UUID names nothing, and so fails with the reason of what is not found. */
export function idInPath(text: string, reason: Reason): string {
  const id = uuid.safeParse(text);
  if (!id.success) throw new DomainError('not_found', reason, 'No such id');
  return id.data;
}

/** Pages hold 50 items unless told, 100 at most. */
export const limit = z.coerce
  .number('must be between 1 and 100')
  .int('must be between 1 and 100')
  .min(1, 'must be between 1 and 100')
  .max(100, 'must be between 1 and 100')
  .default(50);

/** The `next` of the page before. */
export const after = z.string().max(1_000, 'must be the next of an earlier page').default('');

/** 2026-05-07T08:14:23+00:00 */
export function toTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}+00:00`;
}

export function toOptionalTimestamp(date: Date | undefined): string | null {
  return date ? toTimestamp(date) : null;
}

function phone() {
  return z.string('must be a string').transform((text, context) => {
    const number = parsePhone(text);
    if (number !== undefined) return number;
    context.addIssue('must be a valid international phone number, such as +14155550123');
    return z.NEVER;
  });
}

/** Absent, null and the empty string are the same: not given. */
export function given<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === null || value === '' ? undefined : value), schema.optional());
}

/** Absent and null are the same: the default. */
export function orDefault<T extends z.ZodType>(schema: T, value: z.output<T>) {
  return schema.nullish().transform((given) => given ?? value);
}
