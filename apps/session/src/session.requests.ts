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

const MAX_TAGS = 100;

const NO_NUL = 'must not contain NUL characters';
/** Up to so many characters, which the database can keep. */
const textUpTo = (length: number) =>
  z
    .string()
    .max(length, `must not be longer than ${length} characters`)
    .refine((text) => !text.includes('\0'), NO_NUL);

const contactFacts = z
  .object({
    phone: textUpTo(64),
    name: textUpTo(255),
    email: textUpTo(255),
    tags: z.array(textUpTo(64)).max(MAX_TAGS),
    metadata: context,
  })
  .optional();

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
    contact: contactFacts,
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

const MAX_REPLY_LENGTH = 4096;
const MAX_PAYLOAD_LENGTH = 256;

export const submitReplyRequest = z
  .object({
    tenantId: uuid,
    sessionId: optionalUuid,
    contactId: optionalUuid,
    text: textUpTo(MAX_REPLY_LENGTH),
    payload: textUpTo(MAX_PAYLOAD_LENGTH),
    waitId: z.int().min(0, 'must be 0 or more'),
    messageId: requestId,
  })
  .refine(({ sessionId, contactId }) => (sessionId === '') !== (contactId === ''), {
    path: ['sessionId'],
    error: 'must be given, or contact_id, and only one of them',
  })
  .refine(({ text, payload }) => text !== '' || payload !== '', {
    path: ['text'],
    error: 'must be given, or payload',
  });

const MAX_TIMELINE_PAGE = 1_000;
const DEFAULT_TIMELINE_PAGE = 100;

export const getTimelineRequest = z.object({
  tenantId: uuid,
  id: uuid,
  afterNumber: z.int().min(0, 'must be 0 or more'),
  pageSize: z
    .int()
    .min(0, 'must be 0 or more')
    .max(MAX_TIMELINE_PAGE, `must not be more than ${MAX_TIMELINE_PAGE}`)
    .transform((size) => size || DEFAULT_TIMELINE_PAGE),
});

export const watchSessionRequest = z.object({
  tenantId: uuid,
  id: uuid,
  afterNumber: z.int().min(0, 'must be 0 or more'),
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
export type GetStart = z.output<typeof getStartRequest>;
export type SubmitReply = z.output<typeof submitReplyRequest>;
export type GetTimeline = z.output<typeof getTimelineRequest>;
export type WatchSession = z.output<typeof watchSessionRequest>;
export type SessionRequest = z.output<typeof sessionRequest>;
export type ListSessions = z.output<typeof listSessionsRequest>;
export type CountSessions = z.output<typeof countSessionsRequest>;
