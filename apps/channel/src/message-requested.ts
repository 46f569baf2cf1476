import { z } from 'zod';

const text = z.string().default('');

/**
 * The data of message.requested, as far as a channel needs it (session_events.proto). In proto3's JSON what is empty may
 * be absent.
 */
export const messageRequested = z.object({
  effect_id: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  session_id: z.uuid(),
  flow_id: text,
  flow_name: text,
  flow_version: z.int().default(0),
  contact_id: z.uuid(),
  node_id: text,
  // The channel the flow is published for; empty: the tenant's own choice.
  channel: text,
  text,
  template: z
    .object({
      name: z.string(),
      language: text,
      variables: z.array(z.object({ name: text, value: text })).default([]),
    })
    .nullish(),
  media: z
    .object({ type: z.enum(['image', 'video', 'audio', 'document']), url: z.string(), caption: text })
    .nullish(),
  choices: z.array(z.object({ id: text, title: z.string(), payload: z.string() })).default([]),
  wait_id: z.int().default(0),
});

export type MessageRequested = z.output<typeof messageRequested>;
