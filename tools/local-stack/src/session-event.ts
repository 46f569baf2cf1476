/** An event of a session, as it is published: CloudEvents 1.0 as JSON. */
export interface SessionEvent {
  id: string;
  type: string;
  subject: string;
  time: string;
  /** Counts the events of one session, from 1. */
  sequence: string | number;
  data: { flow_name?: string; contact_id?: string };
}

/** @throws Error when the text is not such an event */
export function parseSessionEvent(text: string): SessionEvent {
  const event = JSON.parse(text) as Partial<SessionEvent> | null;
  if (typeof event?.id !== 'string' || typeof event.type !== 'string')
    throw new Error('not a CloudEvents event');
  return {
    subject: '',
    time: '',
    sequence: '',
    ...event,
    id: event.id,
    type: event.type,
    data: event.data ?? {},
  };
}

/** One line for people: time, type, sequence, session, flow, contact. */
export function formatSessionEvent({ time, type, sequence, subject, data }: SessionEvent): string {
  return [
    time,
    type.padEnd(17),
    `#${sequence}`,
    `session ${subject}`,
    `flow "${data.flow_name ?? ''}"`,
    `contact ${data.contact_id ?? ''}`,
  ].join('  ');
}
