export { toCloudEvent, type OutgoingEvent, type ReceivedEvent } from './event.ts';
export { EventListener, type EventListenerOptions } from './event-listener.ts';
export { EventStream, type EventStreamOptions } from './event-stream.ts';
export { Outbox, type Publish } from './outbox.ts';
export { CreateOutbox1763800000000 } from './outbox.migration.ts';
export { OutboxRelay } from './outbox-relay.ts';
