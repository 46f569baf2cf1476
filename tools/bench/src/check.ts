import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { pollUntil } from '@parley/local-servers';
import type { Check } from './systems/system.ts';

/** The stream that the session service makes for its events. */
export const SESSION_STREAM = 'PARLEY_SESSION';

/** Each started id is there once, and nothing is there that was not answered as started. */
export function checkRows(what: string, started: ReadonlySet<string>, found: readonly string[]): Check {
  const distinct = new Set(found);
  const missing = [...started].filter((id) => !distinct.has(id)).length;
  const unexpected = [...distinct].filter((id) => !started.has(id)).length;
  const twice = found.length - distinct.size;
  const ok = missing === 0 && unexpected === 0 && twice === 0;
  const wrong = `${missing} missing, ${unexpected} unexpected, ${twice} double`;
  return {
    ok,
    text: `${started.size} started, ${found.length} ${what}${ok ? ', the same ids' : `: ${wrong}`}`,
  };
}

/** The same for the session.started events in the stream. */
export async function checkStartedEvents(natsUrl: string, started: ReadonlySet<string>): Promise<Check> {
  const connection = await connect({ servers: new URL(natsUrl).host });
  try {
    const manager = await jetstreamManager(connection);
    // Not an ordered consumer: with a filter that needs a newer nats-server than Debian's.
    const { name, num_pending: waiting } = await manager.consumers.add(SESSION_STREAM, {
      ack_policy: AckPolicy.None,
      filter_subject: 'session.started',
    });
    const found: string[] = [];
    if (waiting > 0) {
      const consumer = await jetstream(connection).consumers.get(SESSION_STREAM, name);
      for await (const message of await consumer.consume({ max_messages: 1_000 })) {
        found.push(message.json<{ subject: string }>().subject);
        if (found.length === waiting) break;
      }
    }
    return checkRows('session.started events', started, found);
  } finally {
    await connection.close();
  }
}

/** How many events of a type the stream holds. */
export async function eventsOf(natsUrl: string, type: string): Promise<number> {
  const connection = await connect({ servers: new URL(natsUrl).host });
  try {
    const manager = await jetstreamManager(connection);
    const { state } = await manager.streams.info(SESSION_STREAM, { subjects_filter: type });
    return state.subjects?.[type] ?? 0;
  } finally {
    await connection.close();
  }
}

/**
 * Waits until a durable consumer of the session's events has nothing to hear and nothing in hand.
 * @throws Error when it has after that time
 */
export async function waitUntilHeard(natsUrl: string, durable: string, timeoutMs: number): Promise<void> {
  const connection = await connect({ servers: new URL(natsUrl).host });
  try {
    const { consumers } = await jetstreamManager(connection);
    const heard = await pollUntil(
      async () => {
        const { num_pending, num_ack_pending } = await consumers.info(SESSION_STREAM, durable);
        return num_pending + num_ack_pending === 0 ? true : undefined;
      },
      { timeoutMs, everyMs: 100 },
    );
    if (heard === undefined) throw new Error(`${durable} still has events to hear after ${timeoutMs} ms`);
  } finally {
    await connection.close();
  }
}
