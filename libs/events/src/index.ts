export { toCloudEvent, type OutgoingEvent, type ReceivedEvent } from './event.ts';
export { EventListener, type EventListenerOptions } from './event-listener.ts';
export { EventStream, type EventStreamOptions, type StreamFacts } from './event-stream.ts';
export { Outbox, type Change, type OutboxStatements, type Publish, type Teller } from './outbox.ts';
export { runOutboxCommand } from './outbox-command.ts';
export { eventLag } from './outbox-metrics.ts';
export { CreateOutbox1763800000000 } from './outbox.migration.ts';
export { IndexOutboxPosition1764000000000 } from './outbox-position.migration.ts';
export { OutboxRelay, type OutboxRelayOptions } from './outbox-relay.ts';
