/** Something that happened to one thing, to be told once its transaction is committed. */
export interface OutgoingEvent {
  /** UUIDv7. Also the message's Nats-Msg-Id, so that a repeated publish is stored once. */
  id: string;
  tenantId: string;
  /** The event's name and its NATS subject, e.g. session.started. */
  type: string;
  /** The id of the thing it happened to. Events of one subject are published in the order of their sequence. */
  subject: string;
  /** 1 for the subject's first event, then 2, 3 … */
  sequence: number;
  /** By the database clock. */
  time: Date;
  /** The text of a JSON object: ids, names and times; personal data only in what a flow says. Keys are snake_case. */
  data: string;
}

/** The event as consumers get it: a CloudEvents 1.0 JSON event. */
export function toCloudEvent(source: string, event: OutgoingEvent): string {
  const attributes = JSON.stringify({
    specversion: '1.0',
    id: event.id,
    source,
    type: event.type,
    subject: event.subject,
    time: event.time,
    datacontenttype: 'application/json',
    tenantid: event.tenantId,
    sequence: event.sequence,
  });
  return `${attributes.slice(0, -1)},"data":${event.data}}`;
}

/** An event as a listener gets it. */
export type ReceivedEvent = Omit<OutgoingEvent, 'data'> & {
  data: Record<string, unknown>;
};

/** What an event has in JSON. */
type Attributes = Omit<ReceivedEvent, 'tenantId' | 'time'> & { tenantid: string; time: string };

/** The event in a CloudEvents JSON event; undefined for what is none. */
export function fromCloudEvent(text: string): ReceivedEvent | undefined {
  const event = parse(text) as Partial<Attributes> | null | undefined;
  if (typeof event !== 'object' || event === null) return undefined;
  const { id, tenantid: tenantId, type, subject, sequence, data } = event;
  if (typeof id !== 'string' || typeof tenantId !== 'string' || typeof type !== 'string') return undefined;
  if (typeof subject !== 'string' || typeof sequence !== 'number') return undefined;
  if (typeof data !== 'object' || (data as object | null) === null) return undefined;
  const time = new Date(event.time ?? NaN);
  if (Number.isNaN(time.getTime())) return undefined;
  return { id, tenantId, type, subject, sequence, time, data };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
