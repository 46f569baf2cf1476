import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type ConsumerConfig,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@parley/errors';
import type { Logger, Metrics } from '@parley/service';
import { consumerMetrics, type ConsumerCounter } from './consumer-metrics.ts';
import { fromCloudEvent, type ReceivedEvent } from './event.ts';
import { connectToNats, RECONNECT_WAIT_MS } from './nats-connection.ts';

export interface EventConsumerOptions {
  /** nats:// or tls:// URL, or several with commas. */
  url: string;
  /** The JetStream stream, e.g. PARLEY_SESSION. Waited for while it is not there. */
  stream: string;
  /** The consumer's name in the stream. All replicas of a service share it: each event goes to one of them. */
  durable: string;
  /** What to hear, e.g. message.requested or session.*; one, as servers before 2.10 filter by one. */
  subject: string;
  /**
   * Called for each event, at least once; resolves when it need not come again. Events of one subject (of one session)
   * are handed to it one after another in each process; one that failed comes again later, behind those after it.
   */
  handle: (event: ReceivedEvent, delivery: Delivery) => Promise<void> | void;
  /** Events in hand at once. Default 16. */
  concurrency?: number;
  /** How long until an event that failed, but for something that is away, comes again, by attempt; the last stays. Default 1 s to 10 min. */
  backoffMs?: number[];
  /** After this many attempts an event is given up, but never for something that is away. Default 10. */
  maxAttempts?: number;
  /**
   * How long an event is kept in hand, and tried again every second, while what it needs is away (an error of kind unavailable);
   * then another replica may have it, and it comes again every two seconds. So when that is back all goes on at once: meanwhile
   * no further events are taken, which would have to come again one by one. Default 30 s.
   */
  keepInHandMs?: number;
  /** Default nowhere. */
  metrics?: Metrics;
  logger: Logger;
}

export interface Delivery {
  /** 1 for the first time, then 2, 3 … */
  attempt: number;
}

const BACKOFF_MS = [1_000, 5_000, 30_000, 120_000, 600_000];
const MAX_ATTEMPTS = 10;
const KEEP_IN_HAND_MS = 30_000;
const TRY_AGAIN_MS = 1_000;
/** What needs something that is away comes again after this, to whichever replica: none of it is the event's fault. */
const AWAY_AGAIN_MS = 2_000;
const CONCURRENCY = 16;
/** An event in a process that died comes again after this long. */
const ACK_WAIT_MS = 10_000;
/** How often the server is told that an event is still in hand. */
const IN_HAND_INTERVAL_MS = 3_000;
/** What is in hand when the consumer closes may take this long; a service has 9 s for all of its drain. */
const DRAIN_LIMIT_MS = 4_000;
/** Acknowledgements of the last events reach the server within this, or the events come again. */
const FLUSH_LIMIT_MS = 1_000;

/**
 * Hears events of a JetStream stream, each at least once, from where it stopped and whoever was away. Connects in the
 * background and for as long as it takes; the stream may come later, go and come back.
 */
export class EventConsumer {
  private readonly options: EventConsumerOptions;
  private readonly opening: Promise<NatsConnection>;
  private readonly running: Promise<void>;
  private readonly closing = new AbortController();
  private readonly count: ConsumerCounter;
  private readonly inHand = new Set<JsMsg>();
  /** Tells the server of those in hand. */
  private beat: NodeJS.Timeout | undefined;
  /** Called when fewer are in hand. */
  private waiting: (() => void)[] = [];
  /** By tenant and subject: the event in hand that was taken last. */
  private readonly lastOf = new Map<string, Promise<void>>();
  private connection: NatsConnection | undefined;
  private messages: ConsumerMessages | undefined;
  private failing = false;
  private isConnected = true;
  /** When events were heard last, or this began. */
  private heardAt = performance.now();

  constructor(options: EventConsumerOptions) {
    this.options = options;
    this.count = consumerMetrics(
      options.metrics,
      options.durable,
      () => this.consuming,
      () => this.countWaiting(),
    );
    const name = `${options.stream}/${options.durable}`;
    this.opening = connectToNats(options.url, name, this.closing.signal, (error) => {
      options.logger.warn('No connection to NATS yet; events are heard once there is one', { error });
    });
    this.running = this.opening
      .then((connection) => this.follow(connection))
      .catch((error: unknown) => {
        if (!this.isClosed()) options.logger.error('The connection to NATS ended for good', { error });
      });
  }

  /** Whether events would be handed over now. */
  get consuming(): boolean {
    return this.messages !== undefined && this.isConnected;
  }

  /** For how long no events would have been handed over; 0 while they are. */
  get deafSeconds(): number {
    return this.consuming ? 0 : (performance.now() - this.heardAt) / 1_000;
  }

  /** Takes no more events, finishes those in hand (for 4 s at most) and ends. What is not finished comes again. */
  async close(): Promise<void> {
    this.closing.abort();
    void this.messages?.close();
    await within(DRAIN_LIMIT_MS, this.inHandBelow(1));
    clearInterval(this.beat);
    if (this.connection)
      await within(
        FLUSH_LIMIT_MS,
        this.connection.flush().catch(() => undefined),
      );
    void this.opening.then((opened) => opened.close()).catch(() => undefined);
    await within(FLUSH_LIMIT_MS, this.running);
  }

  private async follow(connection: NatsConnection): Promise<void> {
    this.connection = connection;
    if (this.isClosed()) return;
    void this.watch(connection);
    this.beat = setInterval(() => this.tellOfThoseInHand(), IN_HAND_INTERVAL_MS);
    let said = '';
    while (!this.isClosed()) {
      try {
        await this.ensureConsumer(connection);
        said = '';
        await this.consume(connection);
      } catch (error) {
        const text = isCode(error, JetStreamApiCodes.StreamNotFound)
          ? `Waiting for the stream ${this.options.stream}`
          : 'Events are not heard; trying again until they are';
        const { message } = error as Error;
        if (said !== message && !this.isClosed()) this.options.logger.warn(text, { error });
        said = message;
      }
      if (!this.isClosed()) await new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_MS));
    }
  }

  /** Consuming goes on by itself when the connection is back. */
  private async watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect' && this.consuming) this.heardAt = performance.now();
      if (type === 'disconnect' || type === 'reconnect') this.isConnected = type === 'reconnect';
      if (type === 'disconnect' && !this.isClosed())
        this.options.logger.warn('NATS is away; events are heard once it is back');
    }
  }

  private async ensureConsumer(connection: NatsConnection): Promise<void> {
    const { consumers } = await jetstreamManager(connection);
    const { stream, durable, subject } = this.options;
    try {
      const { config } = await consumers.info(stream, durable);
      if (config.filter_subject === subject) return this.checkConsumer(config);
    } catch (error) {
      if (!isCode(error, JetStreamApiCodes.ConsumerNotFound)) throw error;
      await consumers.add(stream, {
        durable_name: durable,
        filter_subject: subject,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ACK_WAIT_MS),
        deliver_policy: DeliverPolicy.All,
      });
      return;
    }
    throw new Error(
      `The consumer ${durable} of ${stream} hears other events; ${subject} needs one of another name`,
    );
  }

  /** One that somebody else made. Fails where events would be lost in hand. */
  private checkConsumer({ ack_policy, max_deliver = -1 }: ConsumerConfig): void {
    const { stream, durable, logger } = this.options;
    if (ack_policy !== AckPolicy.Explicit) {
      throw new Error(
        `The consumer ${durable} of ${stream} has the ack policy "${ack_policy}", so that events in hand would be lost: remove it`,
      );
    }
    if (max_deliver > 0)
      logger.warn(`The consumer ${durable} of ${stream} gives an event up after ${max_deliver} deliveries`);
  }

  /** Until the consumer closes, or its stream is gone. */
  private async consume(connection: NatsConnection): Promise<void> {
    const { stream, durable, subject, concurrency = CONCURRENCY } = this.options;
    const consumer = await jetstream(connection).consumers.get(stream, durable);
    const messages = await consumer.consume({ max_messages: concurrency, abort_on_missing_resource: true });
    if (this.isClosed()) return void messages.close();
    this.messages = messages;
    this.options.logger.log(`Consuming ${subject} of ${stream} as ${durable}`);
    try {
      for await (const message of messages) {
        // Others may have it at once.
        if (this.isClosed()) message.nak();
        else await this.take(message, concurrency);
      }
    } finally {
      if (this.consuming) this.heardAt = performance.now();
      this.messages = undefined;
    }
  }

  private tellOfThoseInHand(): void {
    for (const message of this.inHand) message.working();
  }

  private async inHandBelow(limit: number): Promise<void> {
    while (this.inHand.size >= limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Waits only while as many are in hand as may be. */
  private async take(message: JsMsg, concurrency: number): Promise<void> {
    const event = fromCloudEvent(message.string());
    if (!event) {
      this.options.logger.error('Not an event; it is given up', {
        subject: message.subject,
        seq: message.seq,
      });
      this.count('malformed');
      return message.term();
    }
    const key = `${event.tenantId} ${event.subject}`;
    this.inHand.add(message);
    const before = this.lastOf.get(key);
    const work = before ? before.then(() => this.finish(message, event)) : this.finish(message, event);
    this.lastOf.set(key, work);
    void work.then(() => {
      this.inHand.delete(message);
      if (this.lastOf.get(key) === work) this.lastOf.delete(key);
      for (const goOn of this.waiting.splice(0)) goOn();
    });
    await this.inHandBelow(concurrency);
  }

  /** Never fails. */
  private async finish(message: JsMsg, event: ReceivedEvent): Promise<void> {
    const attempt = message.info.deliveryCount;
    const keptUntil = performance.now() + (this.options.keepInHandMs ?? KEEP_IN_HAND_MS);
    for (;;) {
      try {
        await this.options.handle(event, { attempt });
        message.ack();
        this.count('handled');
        if (this.failing) this.options.logger.log(`${this.options.durable} works again`);
        this.failing = false;
        return;
      } catch (error) {
        if (!isUnavailable(error) || performance.now() + TRY_AGAIN_MS > keptUntil)
          return this.fail(message, event, attempt, error);
        this.note(event, attempt, error);
        await sleep(TRY_AGAIN_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
        // Others may have it at once.
        if (this.isClosed()) return message.nak();
      }
    }
  }

  private fail(message: JsMsg, event: ReceivedEvent, attempt: number, error: unknown): void {
    const { durable, logger, backoffMs = BACKOFF_MS, maxAttempts = MAX_ATTEMPTS } = this.options;
    if (attempt >= maxAttempts && !isUnavailable(error)) {
      logger.error(`${durable} gave an event up`, fieldsOf(event, attempt, error));
      this.count('dead');
      return message.term();
    }
    this.note(event, attempt, error);
    message.nak(isUnavailable(error) ? AWAY_AGAIN_MS : backoffMs[Math.min(attempt, backoffMs.length) - 1]);
  }

  /** Counts a failure, and says so of the first of a row of them. */
  private note(event: ReceivedEvent, attempt: number, error: unknown): void {
    const { durable, logger } = this.options;
    if (!this.failing) logger.warn(`${durable} failed; events come again`, fieldsOf(event, attempt, error));
    this.failing = true;
    this.count('failed');
  }

  /** Undefined where the server does not say. */
  private async countWaiting(): Promise<number | undefined> {
    if (!this.connection || !this.consuming) return undefined;
    const { stream, durable } = this.options;
    const { consumers } = await jetstreamManager(this.connection, {
      checkAPI: false,
      timeout: FLUSH_LIMIT_MS,
    });
    const { num_pending, num_ack_pending } = await consumers.info(stream, durable);
    return num_pending + num_ack_pending;
  }

  private isClosed(): boolean {
    return this.closing.signal.aborted;
  }
}

function fieldsOf({ id, tenantId, type, subject }: ReceivedEvent, attempt: number, error: unknown): object {
  return { event: id, tenant_id: tenantId, type, subject, attempt, error };
}

/** What is away comes back: no fault of the event. */
function isUnavailable(error: unknown): boolean {
  return error instanceof DomainError && error.kind === 'unavailable';
}

function isCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
