import { SessionStatus } from '@parley/contracts/session';
import { pageSize, uuid } from '@parley/grpc';
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

/** One item of a batch, too. */
export const startSessionRequest = z.object({
  tenantId: uuid,
  flowId: uuid,
  flowVersion: z.int().min(1, 'must be 1 or more'),
  contactId: uuid,
  context,
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

export type SessionRequest = z.output<typeof sessionRequest>;
export type ListSessions = z.output<typeof listSessionsRequest>;
export type CountSessions = z.output<typeof countSessionsRequest>;
