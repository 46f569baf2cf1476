import type { Msg } from '@nats-io/transport-node';

/**
 * Why an event could not be sent. disconnected: NATS is away. timeout: it did not answer in time; it may have stored
 * the event. no_stream: nobody keeps the subject, or another
 * stream does. stream_full: the stream or its server has no room and was told to
 * refuse new messages. too_large: the event is larger than NATS or the stream takes. refused: JetStream said no for another
 * reason.
 */
export type PublishFailure =
  'disconnected' | 'timeout' | 'no_stream' | 'stream_full' | 'too_large' | 'refused' | 'other';

const TEXTS: Record<PublishFailure, string> = {
  disconnected: 'Not connected to NATS',
  timeout: 'NATS did not answer in time',
  no_stream: 'There is no stream for this event',
  stream_full: 'The stream is full and refuses new events',
  too_large: 'The event is larger than NATS takes',
  refused: 'The stream refused the event',
  other: 'The event could not be sent',
};

export const PUBLISH_FAILURES = Object.keys(TEXTS) as PublishFailure[];

/** JetStream's err_code of a publish that finds no room: of the stream, of its account, or of the server. */
const NO_ROOM = [10_002, 10_023, 10_028, 10_047, 10_077];
/** JetStream's err_code of a message above the stream's own limit. */
const TOO_LARGE = 10_054;
/** JetStream's err_code where another stream than the one named has the subject. */
const OTHER_STREAM = 10_060;
/** The status of an empty answer when nobody listens on the subject. */
const NO_RESPONDERS = 503;

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
  return error instanceof PublishError ? error : new PublishError('other', error);
}

/** What is wrong with an acknowledgement, if anything. */
export function ackErrorOf(ack: Msg): PublishError | undefined {
  if (ack.data.length === 0) {
    return new PublishError(ack.headers?.code === NO_RESPONDERS ? 'no_stream' : 'other');
  }
  const { error } = ack.json<{ error?: { err_code: number; description: string } }>();
  if (!error) return undefined;
  const cause = new Error(error.description);
  if (error.err_code === OTHER_STREAM) return new PublishError('no_stream', cause);
  if (error.err_code === TOO_LARGE) return new PublishError('too_large', cause);
  return new PublishError(NO_ROOM.includes(error.err_code) ? 'stream_full' : 'refused', cause);
}
