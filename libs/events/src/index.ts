export { toCloudEvent, type OutgoingEvent, type ReceivedEvent } from './event.ts';
export { EventConsumer, type Delivery, type EventConsumerOptions } from './event-consumer.ts';
export { EventListener, type EventListenerOptions } from './event-listener.ts';
export { EventStream, type EventStreamOptions, type StreamFacts } from './event-stream.ts';
export { Outbox, type Change, type OutboxStatements, type Publish, type Teller } from './outbox.ts';
export { runOutboxCommand } from './outbox-command.ts';
export { eventLag } from './outbox-metrics.ts';
export { outboxMigrations } from './outbox-migrations.ts';
export { OutboxRelay, type OutboxRelayOptions } from './outbox-relay.ts';
