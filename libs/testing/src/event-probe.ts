import { jetstream, jetstreamManager, type ConsumerMessages } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { eventually } from './eventually.ts';
import { NATS_URL } from './test-servers.ts';

/** A CloudEvent as it lies in the stream. */
export interface RecordedEvent {
  id: string;
  type: string;
  source: string;
  subject: string;
  tenantid: string;
  sequence: number;
  time: string;
  data: Record<string, unknown>;
}

/** Reads one tenant's events off a JetStream stream, from its beginning, as a consumer would. */
export class EventProbe {
  readonly events: RecordedEvent[] = [];
  private readonly connection: NatsConnection;
  private readonly messages: ConsumerMessages;

  private constructor(connection: NatsConnection, messages: ConsumerMessages) {
    this.connection = connection;
    this.messages = messages;
  }

  /** Waits for the stream to exist. Without a tenant: everybody's events. */
  static async open(stream: string, tenantId?: string, url = process.env[NATS_URL]!): Promise<EventProbe> {
    const connection = await connect({ servers: url });
    const manager = await jetstreamManager(connection);
    await eventually(() => manager.streams.info(stream));
    const consumer = await jetstream(connection).consumers.get(stream);
    const probe = new EventProbe(connection, await consumer.consume());
    void probe.record(tenantId);
    return probe;
  }

  /** Waits for as many events of a type. */
  async waitFor(type: string, count = 1): Promise<RecordedEvent[]> {
    return eventually(() => {
      const found = this.events.filter((event) => event.type === type);
      if (found.length < count) throw new Error(`${found.length} of ${count} ${type} events so far`);
      return found;
    });
  }

  /** The events of one subject, in the order of the stream. */
  of(subject: string): RecordedEvent[] {
    return this.events.filter((event) => event.subject === subject);
  }

  async close(): Promise<void> {
    await this.messages.close();
    await this.connection.close();
  }

  private async record(tenantId: string | undefined): Promise<void> {
    for await (const message of this.messages) {
      const event = message.json<RecordedEvent>();
      if (tenantId === undefined || event.tenantid === tenantId) this.events.push(event);
    }
  }
}
