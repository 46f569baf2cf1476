import { Metadata, status as GrpcCode, type ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, Status } from '@parley/contracts/rpc';
import { DomainError, unavailable, type ErrorKind, type FieldProblem } from '@parley/errors';

const DETAILS_KEY = 'grpc-status-details-bin';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

const CODES: Record<ErrorKind, GrpcCode> = {
  invalid_argument: GrpcCode.INVALID_ARGUMENT,
  unauthenticated: GrpcCode.UNAUTHENTICATED,
  permission_denied: GrpcCode.PERMISSION_DENIED,
  not_found: GrpcCode.NOT_FOUND,
  already_exists: GrpcCode.ALREADY_EXISTS,
  failed_precondition: GrpcCode.FAILED_PRECONDITION,
  resource_exhausted: GrpcCode.RESOURCE_EXHAUSTED,
  unavailable: GrpcCode.UNAVAILABLE,
  internal: GrpcCode.INTERNAL,
};
const KINDS = new Map(Object.entries(CODES).map(([kind, code]) => [code, kind as ErrorKind]));

/**
 * How many bytes the fields at fault may take. They travel in the trailers, base64 encoded; past 64 KiB of those the
 * connection breaks, and with it the calls of others.
 */
const MAX_FIELDS_BYTES = 32 * 1024;
/** Of an item of a batch: what a thousand have wrong is no more than a client of gRPC takes by default. */
const MAX_ITEM_FIELDS_BYTES = 2 * 1024;

/** Codes of a call that never got an answer from the other side's handler. */
const NO_ANSWER = [GrpcCode.DEADLINE_EXCEEDED, GrpcCode.CANCELLED, GrpcCode.UNAVAILABLE];

/** The code a handler's failure is answered with. */
export function codeOf(error: unknown): GrpcCode {
  return error instanceof DomainError ? CODES[error.kind] : GrpcCode.INTERNAL;
}

/** An error as the outcome of one item of a batch. domain: the proto package that defines the reason. */
export function toRpcStatus(
  error: DomainError,
  domain: string,
  maxFieldsBytes = MAX_ITEM_FIELDS_BYTES,
): Status {
  const info = {
    reason: error.reason,
    domain: error.domain || domain,
    metadata: new Map(Object.entries(error.metadata)),
  };
  const details = [{ typeUrl: ERROR_INFO, value: Buffer.from(ErrorInfo.encode(info).finish()) }];
  if (error.fields.length > 0) {
    const badRequest = BadRequest.encode({ fieldViolations: firstOf(error.fields, maxFieldsBytes) });
    details.push({ typeUrl: BAD_REQUEST, value: Buffer.from(badRequest.finish()) });
  }
  return { code: CODES[error.kind], message: error.message, details };
}

/** As many as there is room for. */
function firstOf(fields: FieldProblem[], maxBytes: number): FieldProblem[] {
  let bytes = 0;
  return fields.filter(({ field, description }) => {
    // 12: what frames the two texts, at most.
    bytes += Buffer.byteLength(field) + Buffer.byteLength(description) + 12;
    return bytes <= maxBytes;
  });
}

/** The error behind an item's outcome. */
export function fromRpcStatus(status: Status): DomainError {
  let info: ErrorInfo | undefined;
  let fields: FieldProblem[] = [];
  for (const detail of status.details) {
    if (detail.typeUrl === ERROR_INFO) info = ErrorInfo.decode(detail.value);
    if (detail.typeUrl === BAD_REQUEST) fields = BadRequest.decode(detail.value).fieldViolations;
  }
  const kind = KINDS.get(status.code) ?? 'internal';
  return new DomainError(kind, info?.reason ?? kind.toUpperCase(), status.message, {
    domain: info?.domain ?? '',
    metadata: Object.fromEntries(info?.metadata ?? []),
    fields,
  });
}

/** What a gRPC handler has to fail with so that the caller gets code, text and details. */
export function toServiceError(
  error: DomainError,
  domain: string,
): Pick<ServiceError, 'code' | 'details' | 'metadata'> {
  const status = toRpcStatus(error, domain, MAX_FIELDS_BYTES);
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(Status.encode(status).finish()));
  return { code: status.code, details: status.message, metadata };
}

/** The error behind a failed call. One without details never reached a handler of ours. */
export function fromServiceError(error: ServiceError): DomainError {
  const details = error.metadata.get(DETAILS_KEY)[0];
  if (Buffer.isBuffer(details)) return fromRpcStatus(Status.decode(details));
  if (NO_ANSWER.includes(error.code) || isBrokenStream(error))
    return unavailable('A service did not answer in time', error);
  if (isOverload(error)) return unavailable('A service is overloaded', error);
  return new DomainError('internal', 'INTERNAL', 'A service failed', { cause: error });
}

/**
 * Whether the call ended with its connection. Node's server closes one whose client gave up on more than 1,000 calls,
 * and on more than 33 a second since; grpc-js calls that INTERNAL for the other calls on it.
 */
function isBrokenStream({ code, details }: ServiceError): boolean {
  return code === GrpcCode.INTERNAL && details.startsWith('Received RST_STREAM');
}

/** gRPC says the same of a message that is too large, which stays so however often it is sent: a fault of ours. */
function isOverload({ code, details }: ServiceError): boolean {
  return code === GrpcCode.RESOURCE_EXHAUSTED && !/larger than/.test(details);
}

/** The good outcome of a batch's item, or its error. */
export function settle<Outcome extends { $case: string; value: unknown }, Case extends Outcome['$case']>(
  outcome: Outcome | undefined,
  good: Case,
): Extract<Outcome, { $case: Case }>['value'] | DomainError {
  if (outcome?.$case === good) return (outcome as Extract<Outcome, { $case: Case }>).value;
  if (outcome?.$case === 'error') return fromRpcStatus(outcome.value as Status);
  return new DomainError('internal', 'INTERNAL', 'A service gave no outcome');
}
