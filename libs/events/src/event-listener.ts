import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Logger } from '@parley/service';
import { fromCloudEvent, type ReceivedEvent } from './event.ts';
import { connectToNats } from './nats-connection.ts';

export interface EventListenerOptions {
  /** nats:// or tls:// URL, or several with commas. */
  url: string;
  /** How NATS lists the connection, e.g. /parley/gateway. */
  name: string;
  /** Subjects to hear, e.g. flow.published. */
  subjects: string[];
  /** Told of each event as it comes. Must not throw. */
  onEvent: (event: ReceivedEvent) => void;
  logger: Logger;
}

/**
 * Hears events as they are published, for hints: each listener hears each event, but an event that comes while NATS
 * is away, or before the listener is there, it never hears, and some it hears twice. What has to arrive is for a
 * JetStream consumer. Connects in the background and for as long as it takes.
 */
export class EventListener {
  private readonly options: EventListenerOptions;
  private readonly opening: Promise<NatsConnection>;
  private readonly closing = new AbortController();
  private subscribed = false;

  constructor(options: EventListenerOptions) {
    this.options = options;
    this.opening = connectToNats(options.url, options.name, this.closing.signal, (error) => {
      options.logger.warn('No connection to NATS yet; events are not heard until there is one', { error });
    });
    this.opening.then((connection) => this.follow(connection)).catch((error: unknown) => this.fail(error));
  }

  /** Whether an event published now would be heard. */
  get listening(): boolean {
    return this.subscribed;
  }

  /** Does not wait for the connection to end. */
  close(): void {
    this.closing.abort();
    this.subscribed = false;
    void this.opening.then((connection) => connection.close()).catch(() => undefined);
  }

  private async follow(connection: NatsConnection): Promise<void> {
    const status = connection.status();
    // Made once: the client renews them itself when it connects again.
    for (const subject of this.options.subjects) void this.hear(connection.subscribe(subject));
    await this.confirm(connection);
    for await (const { type } of status) {
      if (type === 'disconnect') {
        this.subscribed = false;
        if (!this.closed) this.options.logger.warn('NATS is away; events are not heard until it is back');
      }
      if (type === 'reconnect') await this.confirm(connection);
    }
  }

  /** Once NATS has answered it knows of the subscriptions sent before. */
  private async confirm(connection: NatsConnection): Promise<void> {
    try {
      await connection.flush();
      this.subscribed = !this.closed;
      this.options.logger.log(`Listening to ${this.options.subjects.join(', ')}`);
    } catch {
      // Lost again in the meantime; the next reconnect confirms.
    }
  }

  private async hear(subscription: Subscription): Promise<void> {
    for await (const message of subscription) {
      const event = fromCloudEvent(message.string());
      if (event) this.options.onEvent(event);
      else this.options.logger.warn('Not an event', { subject: message.subject });
    }
  }

  private get closed(): boolean {
    return this.closing.signal.aborted;
  }

  private fail(error: unknown): void {
    if (!this.closed) this.options.logger.error('The connection to NATS ended for good', { error });
  }
}
