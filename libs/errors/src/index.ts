export { issueText } from './issue-text.ts';

/**
 * What kind of fault it is. Each has one gRPC code (libs/grpc) and, where a caller over HTTP can meet it,
 * one status (apps/gateway/src/error.answers.ts).
 */
export type ErrorKind =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'resource_exhausted'
  | 'unavailable'
  | 'internal';

/** A field at fault. `field` is a snake_case path such as `phone` or `nodes[2].data.text`. */
export interface FieldProblem {
  field: string;
  description: string;
}

/** Facts that go with an error. `domain` names who defines the reason: a proto package. */
export interface ErrorDetails {
  domain?: string;
  metadata?: Record<string, string>;
  fields?: FieldProblem[];
  cause?: unknown;
}

/**
 * A broken rule, with a stable reason for programs and a text for people. Texts never carry personal data:
 * they are logged and sent.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind;
  /** From the service's error_reason.proto, without the enum's prefix. */
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Record<string, string>;
  readonly fields: FieldProblem[];

  constructor(kind: ErrorKind, reason: string, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'DomainError';
    this.kind = kind;
    this.reason = reason;
    this.domain = details.domain ?? '';
    this.metadata = details.metadata ?? {};
    this.fields = details.fields ?? [];
  }
}

/** Fields that are missing or not valid; at least one. */
export function invalidFields(fields: FieldProblem[], details: ErrorDetails = {}): DomainError {
  const first = fields[0];
  const message = first ? `${first.field}: ${first.description}` : 'The request is not valid.';
  return new DomainError('invalid_argument', 'INVALID_FIELD', message, { ...details, fields });
}

/** A dependency that is away or too slow; the caller may try again. */
export function unavailable(message: string, cause?: unknown): DomainError {
  return new DomainError('unavailable', 'UNAVAILABLE', message, { cause });
}

/**
 * What an error says. Node gives one without words of its own where each address of a name refused a connection, as those of
 * localhost do: what each of them said, then.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
