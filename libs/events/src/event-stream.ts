import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { Logger, Metrics } from '@parley/service';
import { toCloudEvent, type OutgoingEvent } from './event.ts';
import { connectToNats, RECONNECT_WAIT_MS } from './nats-connection.ts';
import { PipelinedPublisher } from './pipelined-publisher.ts';
import { PublishError, toPublishError, type PublishFailure } from './publish-error.ts';
import { streamMetrics } from './stream-metrics.ts';

/** A service's own stream. */
export interface StreamFacts {
  /** The JetStream stream, made when missing; one that lacks a subject gets it, and is otherwise left as it is. */
  name: string;
  /** What it holds: families, such as session.>, and single events, such as message.requested. */
  subjects: string[];
  /** The CloudEvents source, e.g. /parley/session. */
  source: string;
}

export interface EventStreamOptions extends StreamFacts {
  /** nats:// or tls:// URL, or several with commas. */
  url: string;
  /** Where failures are counted; default nowhere. */
  metrics?: Metrics;
  logger: Logger;
}

const MAX_AGE_DAYS = 7;
/** Within it NATS drops a repeated event. Far longer than an outbox claim lasts. */
const DUPLICATE_WINDOW_MINUTES = 5;

/**
 * The stream a service's events go to. Connects in the background and for as long as it takes: a service starts and
 * works without NATS, its events wait in the outbox.
 */
export class EventStream {
  private readonly options: EventStreamOptions;
  private readonly opening: Promise<NatsConnection>;
  private readonly closing = new AbortController();
  private readonly listeners: (() => void)[] = [];
  private readonly metrics: ReturnType<typeof streamMetrics>;
  /** The last failure, until an event is stored again. */
  private failure: PublishFailure | undefined;
  private publisher: PipelinedPublisher | undefined;

  constructor(options: EventStreamOptions) {
    this.options = options;
    this.metrics = streamMetrics(options.metrics, () => this.connected);
    this.opening = connectToNats(options.url, options.source, this.closing.signal, (error) => {
      options.logger.warn('No connection to NATS yet; events wait in the outbox until there is one', {
        error,
      });
    });
    this.opening.then((connection) => this.follow(connection)).catch((error: unknown) => this.fail(error));
  }

  /** Whether events can be published now. */
  get connected(): boolean {
    return this.publisher !== undefined;
  }

  /** Calls back each time events can be published again. */
  onConnected(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Resolves when the stream has stored the event, with whether it had it already. Fails with a PublishError. */
  async publish(event: OutgoingEvent): Promise<boolean> {
    try {
      if (!this.publisher) throw new PublishError('disconnected');
      const duplicate = await this.publisher.publish(
        event.type,
        toCloudEvent(this.options.source, event),
        event.id,
      );
      this.failure = undefined;
      return duplicate;
    } catch (error) {
      throw this.noteFailure(error, event);
    }
  }

  /** Does not wait for the connection to end. */
  close(): void {
    this.closing.abort();
    this.pause();
    void this.opening.then((connection) => connection.close()).catch(() => undefined);
  }

  /** Counts it, and says so once until it is another one: somebody has to look at a stream that is full or gone. */
  private noteFailure(error: unknown, { id, type, subject, tenantId }: OutgoingEvent): PublishError {
    const failure = toPublishError(error);
    const { reason, message } = failure;
    this.metrics.failed(reason);
    if (this.failure !== reason && reason !== 'disconnected') {
      const stream = this.options.name;
      const event = { event: id, type, subject, tenant_id: tenantId };
      this.options.logger.error(`${message}; events wait in the outbox`, { stream, reason, ...event, error });
    }
    this.failure = reason;
    if (reason === 'no_stream') void this.reopen();
    return failure;
  }

  /** Lets no event through; what is under way fails, and waits in the outbox. */
  private pause(): void {
    this.publisher?.close();
    this.publisher = undefined;
  }

  private async reopen(): Promise<void> {
    if (!this.publisher) return;
    this.pause();
    await this.open(await this.opening);
  }

  private async follow(connection: NatsConnection): Promise<void> {
    await this.open(connection);
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        this.pause();
        if (!this.closed) this.options.logger.warn('NATS is away; events wait in the outbox');
      }
      if (status.type === 'reconnect') await this.open(connection);
    }
  }

  /** Makes sure of the stream, then lets events through. Tries again until it works. */
  private async open(connection: NatsConnection): Promise<void> {
    let said = '';
    while (!this.closed) {
      try {
        await this.ensureStream(connection);
        // A stream that was lost and a connection that came back may both have led here.
        this.pause();
        this.publisher = new PipelinedPublisher(connection, this.options.name);
        this.options.logger.log(`Events go to stream ${this.options.name}`);
        for (const listener of this.listeners) listener();
        return;
      } catch (error) {
        const { message } = error as Error;
        if (message !== said)
          this.options.logger.warn('JetStream is not ready; trying again until it is', { error });
        said = message;
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_MS));
      }
    }
  }

  private async ensureStream(connection: NatsConnection): Promise<void> {
    const { streams } = await jetstreamManager(connection);
    const { name, subjects } = this.options;
    try {
      const { config } = await streams.info(name);
      const lacking = subjects.filter((subject) => !config.subjects.some((held) => covers(held, subject)));
      if (lacking.length > 0) {
        await streams.update(name, { subjects: [...config.subjects, ...lacking] });
        this.options.logger.log(`Stream ${name} also holds ${lacking.join(', ')} from now on`);
      }
      // Last: what fails before is tried again twice a second.
      for (const weakness of weaknessesOf(config)) this.options.logger.warn(`Stream ${name} ${weakness}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await streams.add({
        name,
        subjects,
        storage: StorageType.File,
        max_age: nanos(MAX_AGE_DAYS * 24 * 60 * 60 * 1_000),
        duplicate_window: nanos(DUPLICATE_WINDOW_MINUTES * 60 * 1_000),
      });
      this.metrics.made();
      this.options.logger.warn(
        `Stream ${name} was not there and has been made. If it is not new, the outbox command puts back what it held`,
      );
    }
  }

  private get closed(): boolean {
    return this.closing.signal.aborted;
  }

  private fail(error: unknown): void {
    if (!this.closed) this.options.logger.error('The connection to NATS ended for good', { error });
  }
}

/** What a stream that somebody else made does not do as consumers expect. Said and left so: there may be a reason. */
function weaknessesOf({ retention, storage }: StreamConfig): string[] {
  return [
    ...(retention === RetentionPolicy.Limits
      ? []
      : [
          `has the retention "${retention}": events are gone once they were heard, or if nobody listens ("limits" keeps them)`,
        ]),
    ...(storage === StorageType.File
      ? []
      : ['is in memory: a restart of NATS loses its events, and the outbox command puts them back']),
  ];
}

/** Whether a subject, with or without wildcards, lies within another. */
function covers(held: string, subject: string): boolean {
  const [outer, inner] = [held.split('.'), subject.split('.')];
  const open = outer.at(-1) === '>';
  const fixed = open ? outer.slice(0, -1) : outer;
  if (open ? inner.length < outer.length : inner.length !== outer.length || inner.at(-1) === '>')
    return false;
  return fixed.every((token, index) => token === inner[index] || (token === '*' && inner[index] !== '>'));
}

function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
