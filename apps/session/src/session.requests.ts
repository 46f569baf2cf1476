import { ConflictPolicy, SessionStatus } from '@parley/contracts/session';
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

const MAX_FINGERPRINT_BYTES = 64;

const requestId = z.string().regex(/^[\x20-\x7e]{0,255}$/, 'must be at most 255 printable ASCII characters');

/** In hex, as SQL takes it. */
const fingerprint = z
  .instanceof(Uint8Array)
  .refine((bytes) => bytes.length <= MAX_FINGERPRINT_BYTES, 'must not be longer than 64 bytes')
  .transform((bytes) => Buffer.from(bytes).toString('hex'));

const POLICIES = {
  [ConflictPolicy.UNSPECIFIED]: 'return_running',
  [ConflictPolicy.RETURN_RUNNING]: 'return_running',
  [ConflictPolicy.FAIL]: 'fail',
  [ConflictPolicy.RESTART]: 'restart',
} as const;
const policies = [
  ConflictPolicy.UNSPECIFIED,
  ConflictPolicy.RETURN_RUNNING,
  ConflictPolicy.FAIL,
  ConflictPolicy.RESTART,
] as const;

/** One item of a batch, too. */
export const startSessionRequest = z
  .object({
    tenantId: uuid,
    flowId: uuid,
    flowVersion: z.int().min(1, 'must be 1 or more'),
    contactId: uuid,
    context,
    requestId,
    requestFingerprint: fingerprint,
    conflictPolicy: z.enum(policies, 'must be a conflict policy'),
    validateOnly: z.boolean(),
  })
  .transform(({ requestFingerprint, conflictPolicy, ...start }) => ({
    ...start,
    fingerprint: requestFingerprint,
    onConflict: POLICIES[conflictPolicy],
  }));

/** One item of a batch. */
export const getStartRequest = z
  .object({
    tenantId: uuid,
    requestId: requestId.min(1, 'is required'),
    requestFingerprint: fingerprint.pipe(z.string().min(1, 'is required')),
  })
  .transform(({ requestFingerprint, ...start }) => ({ ...start, fingerprint: requestFingerprint }));

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
export type GetStart = z.output<typeof getStartRequest>;
export type SessionRequest = z.output<typeof sessionRequest>;
export type ListSessions = z.output<typeof listSessionsRequest>;
export type CountSessions = z.output<typeof countSessionsRequest>;
