import { CONTEXT_LIMITS } from '@parley/json-limits';
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
  })
  .refine(namesContact, {
    path: ['contact_id'],
    params: NEITHER,
    error: NEITHER.text,
    when: contactIsReadable,
  })
  .refine(namesContact, { path: ['phone'], params: NEITHER, error: NEITHER.text, when: contactIsReadable });

export type TriggerFlow = z.output<typeof triggerFlowRequest>;

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
