import type { SeenIds } from './seen-ids.ts';
import { parseSessionEvent, type SessionEvent } from './session-event.ts';

/** What of a JetStream message a consumer needs. */
export interface EventMessage {
  /** deliveryCount: 1 at the first delivery. */
  info: { deliveryCount: number };
  string(): string;
  /** Done with it. */
  ack(): void;
  /** Again, after so many milliseconds. */
  nak(afterMs: number): void;
  /** Never again. Without a reason: nats-server 2.9 passes over a refusal that has one. */
  term(): void;
}

export interface Consuming {
  seen: Pick<SeenIds, 'has' | 'add'>;
  /** What is done with an event. A failure has it delivered again, later. */
  show: (event: SessionEvent, text: string) => void;
  note: (line: string) => void;
}

/**
 * How often a message is delivered at most. Also a crash costs those in flight a delivery, so this is far more than a
 * message that can be worked on needs, and few enough that one that cannot does not come for ever.
 */
export const MAX_DELIVERIES = 20;
const RETRY_AFTER_MS = 1_000;

/**
 * The rules of docs/asyncapi.yaml for a consumer. An event is worked on once: it is known by its id, which is
 * remembered before the message is acknowledged. What is no event is never delivered again; what fails comes again,
 * a bounded number of times, and does not hold up the events after it.
 */
export async function consumeEvents(
  messages: AsyncIterable<EventMessage>,
  consuming: Consuming,
): Promise<void> {
  for await (const message of messages) consumeEvent(message, consuming);
}

function consumeEvent(message: EventMessage, { seen, show, note }: Consuming): void {
  const text = message.string();
  const event = parse(text);
  if (event === undefined) {
    note(`Not an event: ${text.slice(0, 200)}`);
    message.term();
    return;
  }
  try {
    if (!seen.has(event.id)) {
      show(event, text);
      seen.add(event.id);
    }
    message.ack();
  } catch (error) {
    const { deliveryCount } = message.info;
    note(`Event ${event.id} failed, delivery ${deliveryCount} of ${MAX_DELIVERIES}: ${String(error)}`);
    if (deliveryCount < MAX_DELIVERIES) message.nak(RETRY_AFTER_MS);
    else message.term();
  }
}

function parse(text: string): SessionEvent | undefined {
  try {
    return parseSessionEvent(text);
  } catch {
    return undefined;
  }
}
