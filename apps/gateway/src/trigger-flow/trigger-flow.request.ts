import { createHash } from 'node:crypto';
import { invalidFields } from '@parley/errors';
import { asNumber, CONTEXT_LIMITS, parseJson } from '@parley/json-limits';
import { z } from 'zod';
import { jsonObject, optionalPhone, optionalUuid, requiredUuid } from '../fields.ts';

const NEITHER = { text: 'contact_id or phone is required' };

const context = jsonObject(CONTEXT_LIMITS);

/** Body of POST /actions/trigger-flow. */
export const triggerFlowRequest = z
  .object({
    flow_id: requiredUuid,
    contact_id: optionalUuid,
    phone: optionalPhone,
    context: context.optional(),
    dry_run: z.boolean('must be true or false').nullish(),
  })
  .refine(namesContact, {
    path: ['contact_id'],
    params: NEITHER,
    error: NEITHER.text,
    when: contactIsReadable,
  })
  .refine(namesContact, { path: ['phone'], params: NEITHER, error: NEITHER.text, when: contactIsReadable });

export type TriggerFlow = z.output<typeof triggerFlowRequest>;

/** What a caller may name a request with, to send it again: the header Idempotency-Key, or a batch item's field. */
export const idempotencyKey = z
  .string('must be a string')
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
  .optional();

/** The header's value. Fails with INVALID_FIELD. */
export function parseKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = idempotencyKey.safeParse(header);
  if (key.success) return key.data;
  throw invalidFields([{ field: 'Idempotency-Key', description: key.error.issues[0]!.message }]);
}

/**
 * What makes two requests with one key the same request: the fields that are read, as they were understood. A context has no
 * order of keys: a retry may be built anew, from a map.
 */
export function fingerprintOf({ flow_id, contact_id, phone, context = '{}' }: TriggerFlow): Buffer {
  const sorted = JSON.stringify(parseJson(context), sortKeys);
  return createHash('sha256')
    .update(JSON.stringify([flow_id, contact_id ?? '', phone ?? '', sorted]))
    .digest();
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  // One that stays as it was written is an object.
  if (asNumber(value) !== undefined) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function namesContact(body: { contact_id?: string | undefined; phone?: string | undefined }): boolean {
  return body.contact_id !== undefined || body.phone !== undefined;
}

/** Also when other fields are at fault, but not when these are: then that is what there is to say of them. */
function contactIsReadable({ value, issues }: z.core.ParsePayload): boolean {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && !issues.some((issue) => !isNeither(issue) && isContactField(issue.path?.[0]));
}

function isNeither(issue: z.core.$ZodRawIssue): boolean {
  return issue.code === 'custom' && issue.params === NEITHER;
}

function isContactField(name: PropertyKey | undefined): boolean {
  return name === 'contact_id' || name === 'phone';
}
