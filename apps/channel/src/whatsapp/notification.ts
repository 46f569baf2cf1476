import { z } from 'zod';

/** What the contact wrote or chose. */
export interface InboundMessage {
  /** wamid. */
  id: string;
  /** Digits, without the leading +. */
  from: string;
  text: string;
  /** What a button or a row of ours gave back; empty for a text. */
  payload: string;
  /** When it was sent, where that is said. */
  timestamp?: Date | undefined;
}

/** What became of a message of ours. */
export interface InboundStatus {
  /** wamid. */
  id: string;
  status: string;
  /** biz_opaque_callback_data: reference.ts; empty where there is none. */
  reference: string;
  /** Of a failure. */
  errorCode: number | undefined;
}

export interface Notification {
  messages: InboundMessage[];
  statuses: InboundStatus[];
  /** Things of a kind we have no use for: reactions, pictures, other numbers, what a later version of the API sends. */
  ignored: number;
}

const id = z.string().regex(/^[\x20-\x7e]{1,255}$/);

/** Seconds since 1970, as a text. */
const timestamp = z
  .string()
  .regex(/^\d{1,12}$/)
  .transform((seconds) => new Date(Number(seconds) * 1_000))
  .optional()
  .catch(undefined);

const chosen = z.object({ id: z.string(), title: z.string().default('') });

const message = z.union([
  z
    .object({
      id,
      from: z.string(),
      timestamp,
      type: z.literal('text'),
      text: z.object({ body: z.string() }),
    })
    .transform(({ text, ...rest }) => ({ ...rest, text: text.body, payload: '' })),
  z
    .object({
      id,
      from: z.string(),
      timestamp,
      type: z.literal('interactive'),
      interactive: z.union([
        z.object({ button_reply: chosen }).transform(({ button_reply }) => button_reply),
        z.object({ list_reply: chosen }).transform(({ list_reply }) => list_reply),
      ]),
    })
    .transform(({ interactive, ...rest }) => ({
      ...rest,
      text: interactive.title,
      payload: interactive.id,
    })),
  // A quick reply of a template.
  z
    .object({
      id,
      from: z.string(),
      timestamp,
      type: z.literal('button'),
      button: z.object({ text: z.string().default(''), payload: z.string().default('') }),
    })
    .transform(({ button, ...rest }) => ({ ...rest, ...button })),
]);

const status = z
  .object({
    id,
    status: z.string(),
    biz_opaque_callback_data: z.string().default(''),
    errors: z.array(z.object({ code: z.int() })).default([]),
  })
  .transform(({ biz_opaque_callback_data: reference, errors, ...rest }) => ({
    ...rest,
    reference,
    errorCode: errors[0]?.code,
  }));

const change = z.object({
  field: z.literal('messages'),
  value: z.object({
    metadata: z.object({ phone_number_id: z.string() }),
    messages: z.array(z.unknown()).default([]),
    statuses: z.array(z.unknown()).default([]),
  }),
});

const notification = z.object({
  entry: z.array(z.object({ changes: z.array(z.unknown()).default([]) })).default([]),
});

/** What a notification of Meta's says of this number; undefined for what is none. */
export function readNotification(body: unknown, phoneNumberId: string): Notification | undefined {
  const parsed = notification.safeParse(body);
  if (!parsed.success) return undefined;
  const read: Notification = { messages: [], statuses: [], ignored: 0 };
  for (const one of parsed.data.entry.flatMap(({ changes }) => changes)) {
    const { data } = change.safeParse(one);
    if (data?.value.metadata.phone_number_id !== phoneNumberId) {
      read.ignored += 1;
      continue;
    }
    for (const item of data.value.messages) keep(read, read.messages, message.safeParse(item).data);
    for (const item of data.value.statuses) keep(read, read.statuses, status.safeParse(item).data);
  }
  return read;
}

function keep<Item>(read: Notification, items: Item[], item: Item | undefined): void {
  if (item === undefined) read.ignored += 1;
  else items.push(item);
}
