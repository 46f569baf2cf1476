import { SessionStatus } from '@parley/contracts/session';
import { invalidFields } from '@parley/errors';
import { pageSize, toFieldProblems, uuid } from '@parley/grpc';
import { checkJsonText, CONTEXT_LIMITS } from '@parley/json-limits';
import { z } from 'zod';

const optionalUuid = z.union([z.literal(''), uuid], 'must be a UUID');

const statuses = [
  SessionStatus.RUNNING,
  SessionStatus.COMPLETED,
  SessionStatus.EXPIRED,
  SessionStatus.FAILED,
  SessionStatus.CANCELLED,
] as const;

/** The context as it is stored: without white space, "{}" where none was given. */
const context = z.string().transform((text, result) => {
  const checked = checkJsonText(text || '{}', CONTEXT_LIMITS);
  if ('text' in checked) return checked.text;
  result.addIssue(checked.problem);
  return z.NEVER;
});

const startSessionRequest = z.object({
  tenantId: uuid,
  flowId: uuid,
  flowVersion: z.int().min(1, 'must be 1 or more'),
  contactId: uuid,
  context,
});

export const batchStartSessionsRequest = z.object({
  requests: z.array(z.unknown()).min(1, 'must not be empty').max(1_000, 'must not be more than 1000'),
});

export const sessionRequest = z.object({ tenantId: uuid, id: uuid });

export const listSessionsRequest = z.object({
  tenantId: uuid,
  flowId: optionalUuid,
  contactId: optionalUuid,
  statuses: z
    .array(z.enum(statuses, 'must be a session status'))
    .max(statuses.length, 'must not hold repeats'),
  pageSize,
  pageToken: z.string().max(1_000),
});

export const countSessionsRequest = z.object({ tenantId: uuid, flowId: uuid });

export type StartSession = z.output<typeof startSessionRequest>;
export type SessionRequest = z.output<typeof sessionRequest>;
export type ListSessions = z.output<typeof listSessionsRequest>;
export type CountSessions = z.output<typeof countSessionsRequest>;

/** Checks one item of a batch by itself, so that a bad one fails alone. Fails with INVALID_FIELD. */
export function checkStart(request: unknown): StartSession {
  const result = startSessionRequest.safeParse(request);
  if (result.success) return result.data;
  throw invalidFields(toFieldProblems(result.error.issues));
}
