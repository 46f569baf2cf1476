import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { SESSION_STREAM } from './check.ts';
import { percentile } from './statistics.ts';

/** Milliseconds from an event's time, which is taken just before its commit, to when the stream has stored it. */
export interface EventLag {
  events: number;
  p50: number;
  p99: number;
  max: number;
}

/** Where the stream of session events ends now. */
export async function endOfStream(natsUrl: string): Promise<number> {
  return withNats(natsUrl, async (connection) => {
    const manager = await jetstreamManager(connection);
    return (await manager.streams.info(SESSION_STREAM)).state.last_seq;
  });
}

/** Reads the lag of every session.started after that place in the stream. The clock is one: all runs on this machine. */
export async function eventLagSince(natsUrl: string, end: number): Promise<EventLag> {
  return withNats(natsUrl, async (connection) => {
    const manager = await jetstreamManager(connection);
    const { name, num_pending: waiting } = await manager.consumers.add(SESSION_STREAM, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: end + 1,
      filter_subject: 'session.started',
    });
    const lags: number[] = [];
    if (waiting > 0) {
      const consumer = await jetstream(connection).consumers.get(SESSION_STREAM, name);
      for await (const message of await consumer.consume({ max_messages: 1_000 })) {
        const storedAt = Number(message.timestampNanos) / 1e6;
        lags.push(storedAt - Date.parse(message.json<{ time: string }>().time));
        if (lags.length === waiting) break;
      }
    }
    lags.sort((a, b) => a - b);
    return {
      events: lags.length,
      p50: percentile(lags, 0.5),
      p99: percentile(lags, 0.99),
      max: lags.at(-1) ?? Number.NaN,
    };
  });
}

async function withNats<T>(url: string, work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: new URL(url).host });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
