import { JetStreamApiError } from '@nats-io/jetstream';
import { ClosedConnectionError, ConnectionError, RequestError, TimeoutError } from '@nats-io/transport-node';

/**
 * Why an event could not be sent. disconnected: NATS is away. timeout: it did not answer in time; it may have stored
 * the event. no_stream: nobody keeps the subject. stream_full: the stream or its server has no room and was told to
 * refuse new messages. refused: JetStream said no for another reason.
 */
export type PublishFailure = 'disconnected' | 'timeout' | 'no_stream' | 'stream_full' | 'refused' | 'other';

const TEXTS: Record<PublishFailure, string> = {
  disconnected: 'Not connected to NATS',
  timeout: 'NATS did not answer in time',
  no_stream: 'There is no stream for this event',
  stream_full: 'The stream is full and refuses new events',
  refused: 'The stream refused the event',
  other: 'The event could not be sent',
};

/** JetStream's err_code of a publish that finds no room: of the stream, of its account, or of the server. */
const NO_ROOM = [10_002, 10_023, 10_028, 10_047, 10_077];

/** An event that was not stored, as far as anybody knows; it stays in the outbox. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly reason: PublishFailure;

  constructor(reason: PublishFailure, cause?: unknown) {
    super(TEXTS[reason], { cause });
    this.reason = reason;
  }
}

export function toPublishError(error: unknown): PublishError {
  return new PublishError(reasonOf(error), error);
}

function reasonOf(error: unknown): PublishFailure {
  if (error instanceof JetStreamApiError) return NO_ROOM.includes(error.code) ? 'stream_full' : 'refused';
  const causes = [error, error instanceof Error ? error.cause : undefined];
  if (causes.some((cause) => cause instanceof RequestError && cause.isNoResponders())) return 'no_stream';
  if (causes.some((cause) => cause instanceof TimeoutError)) return 'timeout';
  const isCut = (cause: unknown): boolean =>
    cause instanceof ClosedConnectionError || cause instanceof ConnectionError;
  if (causes.some(isCut)) return 'disconnected';
  return 'other';
}
