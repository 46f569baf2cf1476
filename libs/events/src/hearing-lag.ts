import type { Lag } from '@parley/service';
import type { EventConsumer } from './event-consumer.ts';

const LIMIT_SECONDS = 60;

/** How long a service has heard no events: NATS is away, or the stream, or the consumer is not as it has to be. */
export function hearingLag(consumer: EventConsumer): Lag {
  return {
    part: 'hearing',
    metric: 'parley_event_consumer_deaf_seconds',
    help: 'How long no events have been heard; 0 while they are',
    limitSeconds: LIMIT_SECONDS,
    read: () => Promise.resolve(consumer.deafSeconds),
  };
}
