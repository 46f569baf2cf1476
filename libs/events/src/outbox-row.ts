import type { OutgoingEvent } from './event.ts';

/** A row of the outbox: what one change told of one thing. It is claimed, published and marked as a whole. */
export interface OutboxRow {
  tenantId: string;
  /** Of the event that its columns hold. */
  id: string;
  subject: string;
  /** At least one, in the order of their sequence. */
  events: OutgoingEvent[];
  /** How many of them the stream has said to have stored. */
  sent: number;
}

/** An event beside the one in the columns of its row: what they do not share. */
export type MoreEvent = Pick<OutgoingEvent, 'id' | 'type' | 'sequence' | 'data'>;

/** How many events a row of the outbox holds: an expression over its column "more". */
export const EVENTS_OF_ROW = '1 + coalesce(jsonb_array_length(more), 0)';

/** Of rows that wait, for a statement that goes through them by position: the condition of the index that is for that. */
export const WAITING_IN_ORDER = 'published_at IS NULL AND position > 0';

/** A row by the event in its columns, those beside it, and how many of them are sent. */
export function toRow(event: OutgoingEvent, more: readonly MoreEvent[] = [], sent = 0): OutboxRow {
  const { tenantId, id, subject, time } = event;
  const others = more.map((other) => ({ ...other, tenantId, subject, time }));
  const events = others.length === 0 ? [event] : [event, ...others].sort((a, b) => a.sequence - b.sequence);
  return { tenantId, id, subject, events, sent };
}
