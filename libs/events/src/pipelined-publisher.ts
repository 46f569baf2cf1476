import {
  createInbox,
  headers,
  type Msg,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { ackErrorOf, PublishError } from './publish-error.ts';

/** How long an acknowledgement may take. */
const ACK_TIMEOUT_MS = 5_000;

interface Waiting {
  deadline: number;
  resolve: (duplicate: boolean) => void;
  reject: (error: PublishError) => void;
}

/**
 * Publishes to JetStream without waiting for one acknowledgement before the next message leaves. The client's own publish
 * does as much, but makes error objects and a timer for every message, which cost more than the message itself.
 */
export class PipelinedPublisher {
  private readonly connection: NatsConnection;
  private readonly stream: string;
  private readonly inbox = createInbox();
  private readonly acks: Subscription;
  /** By number, the oldest first; all wait equally long. */
  private readonly waiting = new Map<string, Waiting>();
  private published = 0;
  private timer: NodeJS.Timeout | undefined;

  /** stream: the one that has to take the messages; another that has their subjects would acknowledge them, too. */
  constructor(connection: NatsConnection, stream: string) {
    this.connection = connection;
    this.stream = stream;
    this.acks = connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => this.settle(message, error),
    });
    void this.acks.closed.then(() => this.rejectAll());
  }

  /** Resolves when the stream has stored the message, with whether it had one with this id already. Fails with a PublishError. */
  publish(subject: string, body: string, id: string): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const number = String((this.published += 1));
    const messageHeaders = headers();
    messageHeaders.set('Nats-Msg-Id', id);
    messageHeaders.set('Nats-Expected-Stream', this.stream);
    try {
      this.connection.publish(subject, body, { reply: `${this.inbox}.${number}`, headers: messageHeaders });
    } catch (error) {
      return Promise.reject(new PublishError('disconnected', error));
    }
    this.waiting.set(number, { deadline: performance.now() + ACK_TIMEOUT_MS, resolve, reject });
    this.timer ??= setTimeout(() => this.rejectOverdue(), ACK_TIMEOUT_MS);
    return promise;
  }

  /** Takes no more acknowledgements; what waits for one fails. */
  close(): void {
    this.acks.unsubscribe();
    this.rejectAll();
  }

  private settle(message: Msg, error: Error | null): void {
    const number = message.subject.slice(this.inbox.length + 1);
    const waiting = this.waiting.get(number);
    if (!waiting) return;
    this.waiting.delete(number);
    const failure = error ? new PublishError('other', error) : ackErrorOf(message);
    if (failure) waiting.reject(failure);
    else waiting.resolve(message.json<{ duplicate?: boolean }>().duplicate === true);
  }

  private rejectOverdue(): void {
    this.timer = undefined;
    const now = performance.now();
    for (const [number, { deadline, reject }] of this.waiting) {
      if (deadline > now) {
        this.timer = setTimeout(() => this.rejectOverdue(), deadline - now);
        return;
      }
      this.waiting.delete(number);
      reject(new PublishError('timeout'));
    }
  }

  private rejectAll(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const { reject } of this.waiting.values()) reject(new PublishError('disconnected'));
    this.waiting.clear();
  }
}
