import {
  createInbox,
  errors,
  headers,
  type Msg,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { ackErrorOf, PublishError } from './publish-error.ts';

/** How long an acknowledgement may take. */
const ACK_TIMEOUT_MS = 5_000;

/** Settled ones kept before those that wait, at most. */
const MAX_SETTLED = 1_000;

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
  /**
   * Those with the numbers from "first" on; all wait equally long. Settled ones are undefined, those before "head" all are. No
   * Map: Batcher says why.
   */
  private waiting: (Waiting | undefined)[] = [];
  private first = 0;
  private head = 0;
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
    const number = this.first + this.waiting.length;
    const messageHeaders = headers();
    messageHeaders.set('Nats-Msg-Id', id);
    messageHeaders.set('Nats-Expected-Stream', this.stream);
    try {
      this.connection.publish(subject, body, { reply: `${this.inbox}.${number}`, headers: messageHeaders });
    } catch (error) {
      // Of the arguments only the size can be at fault.
      const reason = error instanceof errors.InvalidArgumentError ? 'too_large' : 'disconnected';
      return Promise.reject(new PublishError(reason, error));
    }
    this.waiting.push({ deadline: performance.now() + ACK_TIMEOUT_MS, resolve, reject });
    this.timer ??= setTimeout(() => this.rejectOverdue(), ACK_TIMEOUT_MS);
    return promise;
  }

  /** Takes no more acknowledgements; what waits for one fails. */
  close(): void {
    this.acks.unsubscribe();
    this.rejectAll();
  }

  private settle(message: Msg, error: Error | null): void {
    const number = Number(message.subject.slice(this.inbox.length + 1));
    const waiting = this.take(number - this.first);
    if (!waiting) return;
    const failure = error ? new PublishError('other', error) : ackErrorOf(message);
    if (failure) waiting.reject(failure);
    else waiting.resolve(message.json<{ duplicate?: boolean }>().duplicate === true);
  }

  /** Nothing for one that is settled already. */
  private take(index: number): Waiting | undefined {
    const waiting = this.waiting[index];
    if (!waiting) return undefined;
    this.waiting[index] = undefined;
    while (this.head < this.waiting.length && !this.waiting[this.head]) this.head += 1;
    if (this.head === this.waiting.length || this.head >= MAX_SETTLED) {
      this.waiting.splice(0, this.head);
      this.first += this.head;
      this.head = 0;
    }
    return waiting;
  }

  private rejectOverdue(): void {
    this.timer = undefined;
    const now = performance.now();
    for (let oldest; (oldest = this.waiting[this.head]);) {
      if (oldest.deadline > now) {
        this.timer = setTimeout(() => this.rejectOverdue(), oldest.deadline - now);
        return;
      }
      this.take(this.head);
      oldest.reject(new PublishError('timeout'));
    }
  }

  private rejectAll(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const waiting = this.waiting.splice(0);
    this.first += waiting.length;
    this.head = 0;
    for (const one of waiting) one?.reject(new PublishError('disconnected'));
  }
}
