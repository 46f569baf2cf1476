import { jetstream, jetstreamManager, StorageType, type JetStreamClient } from '@nats-io/jetstream';
import {
  connect,
  nanos,
  RequestError,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import type { Logger } from '@parley/service';
import { toCloudEvent, type OutgoingEvent } from './event.ts';

export interface EventStreamOptions {
  /** nats:// or tls:// URL, or several with commas. */
  url: string;
  /** The JetStream stream, made when missing and otherwise left as it is. */
  name: string;
  /** What it holds, e.g. session.> */
  subjects: string;
  /** The CloudEvents source, e.g. /parley/session. */
  source: string;
  logger: Logger;
}

const RECONNECT_WAIT_MS = 500;
/** A connection that takes longer is worth a line in the log. */
const CONNECT_WARNING_MS = 5_000;
const PUBLISH_TIMEOUT_MS = 5_000;
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
  private readonly listeners: (() => void)[] = [];
  private readonly warning: NodeJS.Timeout;
  private client: JetStreamClient | undefined;
  private closed = false;

  constructor(options: EventStreamOptions) {
    this.options = options;
    this.opening = connect({
      ...parseNatsUrl(options.url),
      name: options.source,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      ignoreAuthErrorAbort: true,
      pingInterval: 5_000,
    });
    this.warning = setTimeout(() => {
      options.logger.warn('NATS has not answered yet; events wait in the outbox until it does');
    }, CONNECT_WARNING_MS).unref();
    this.opening.then((connection) => this.follow(connection)).catch((error: unknown) => this.fail(error));
  }

  /** Whether events can be published now. */
  get connected(): boolean {
    return this.client !== undefined;
  }

  /** Calls back each time events can be published again. */
  onConnected(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Resolves when the stream has stored the event. */
  async publish(event: OutgoingEvent): Promise<void> {
    if (!this.client) throw new Error('Not connected to NATS');
    const body = toCloudEvent(this.options.source, event);
    try {
      await this.client.publish(event.type, body, {
        msgID: event.id,
        timeout: PUBLISH_TIMEOUT_MS,
        // Another stream that took the subjects would acknowledge it, too.
        expect: { streamName: this.options.name },
      });
    } catch (error) {
      // Nobody listens on the subject: the stream is gone.
      if (isNoResponders(error)) void this.reopen();
      throw error;
    }
  }

  /** Does not wait: a connection that was never made cannot be closed; it ends with the process. */
  close(): void {
    this.closed = true;
    clearTimeout(this.warning);
    this.client = undefined;
    void this.opening.then((connection) => connection.close()).catch(() => undefined);
  }

  private async reopen(): Promise<void> {
    if (!this.client) return;
    this.client = undefined;
    await this.open(await this.opening);
  }

  private async follow(connection: NatsConnection): Promise<void> {
    clearTimeout(this.warning);
    await this.open(connection);
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        this.client = undefined;
        if (!this.closed) this.options.logger.warn('NATS is away; events wait in the outbox');
      }
      if (status.type === 'reconnect') await this.open(connection);
    }
  }

  /** Makes sure of the stream, then lets events through. Tries again until it works or the connection is lost. */
  private async open(connection: NatsConnection): Promise<void> {
    while (!this.closed) {
      try {
        await this.ensureStream(connection);
        this.client = jetstream(connection);
        this.options.logger.log(`Events go to stream ${this.options.name}`);
        for (const listener of this.listeners) listener();
        return;
      } catch (error) {
        this.options.logger.warn('JetStream is not ready', { error });
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_MS));
      }
    }
  }

  private async ensureStream(connection: NatsConnection): Promise<void> {
    const { streams } = await jetstreamManager(connection);
    try {
      await streams.info(this.options.name);
    } catch {
      await streams.add({
        name: this.options.name,
        subjects: [this.options.subjects],
        storage: StorageType.File,
        max_age: nanos(MAX_AGE_DAYS * 24 * 60 * 60 * 1_000),
        duplicate_window: nanos(DUPLICATE_WINDOW_MINUTES * 60 * 1_000),
      });
    }
  }

  private fail(error: unknown): void {
    if (!this.closed) this.options.logger.error('The connection to NATS ended for good', { error });
  }
}

/** nats:// or tls:// URLs, with commas between; user and password may stand in the first, as in any URL. */
function parseNatsUrl(urls: string): NodeConnectionOptions {
  const parsed = urls.split(',').map((url) => new URL(url));
  const servers = parsed.map((url) => url.host);
  const { protocol, username, password } = parsed[0]!;
  return {
    servers,
    ...(protocol === 'tls:' && { tls: {} }),
    ...(username !== '' && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  };
}

function isNoResponders(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof RequestError && cause.isNoResponders();
}
