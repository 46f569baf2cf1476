import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { Consumer } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_DELIVERIES } from './event-consumer.ts';

/** The stream that holds the events of sessions; session makes it when it starts. */
export const SESSION_STREAM = 'PARLEY_SESSION';

export interface DurableConsumer {
  name: string;
  /** Where a consumer that is new begins: with the oldest event kept, or with those to come. */
  from: 'start' | 'new';
}

/**
 * Gives the durable consumer of that name on the stream of session events; makes it when there is none. While there
 * is no stream yet, tells `log` once and waits for it.
 */
export async function openSessionEvents(
  connection: NatsConnection,
  durable: DurableConsumer,
  log: (line: string) => void,
): Promise<Consumer> {
  const manager = await jetstreamManager(connection);
  let waiting = false;
  while (!(await found(manager.streams.info(SESSION_STREAM), JetStreamApiCodes.StreamNotFound))) {
    if (!waiting)
      log(`Waiting for the stream ${SESSION_STREAM}: the session service makes it when it starts`);
    waiting = true;
    await sleep(1_000);
  }
  const known = manager.consumers.info(SESSION_STREAM, durable.name);
  if (await found(known, JetStreamApiCodes.ConsumerNotFound)) {
    // One of an earlier release may be without a limit.
    await manager.consumers.update(SESSION_STREAM, durable.name, { max_deliver: MAX_DELIVERIES });
  } else {
    await manager.consumers.add(SESSION_STREAM, {
      durable_name: durable.name,
      ack_policy: AckPolicy.Explicit,
      max_deliver: MAX_DELIVERIES,
      deliver_policy: durable.from === 'new' ? DeliverPolicy.New : DeliverPolicy.All,
    });
  }
  return jetstream(connection).consumers.get(SESSION_STREAM, durable.name);
}

async function found(lookUp: Promise<unknown>, notFound: number): Promise<boolean> {
  try {
    await lookUp;
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === notFound) return false;
    throw error;
  }
}
