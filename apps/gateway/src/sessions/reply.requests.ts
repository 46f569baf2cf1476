import { z } from 'zod';
import { LONE_SURROGATES, optionalPhone, optionalUuid, orDefault } from '../fields.ts';

const MAX_TEXT = 4096;
const MAX_PAYLOAD = 256;

const said = (max: number) =>
  orDefault(
    z
      .string('must be a string')
      .max(max, `must not be longer than ${max} characters`)
      .refine((text) => !text.includes('\0'), 'must not contain NUL characters')
      .refine((text) => text.isWellFormed(), LONE_SURROGATES),
    '',
  );

/** What a message says; which of the two is needed is checked once all fields are. */
const message = {
  text: said(MAX_TEXT),
  payload: said(MAX_PAYLOAD),
  message_id: orDefault(
    z
      .string('must be a string')
      .regex(/^[\x20-\x7e]{0,255}$/, 'must be at most 255 printable ASCII characters'),
    '',
  ),
};

const saysNothing = { path: ['text'], error: 'is required, or payload' };
const saysSomething = ({ text, payload }: { text: string; payload: string }) => text !== '' || payload !== '';

export const replyBody = z
  .object({
    ...message,
    wait_id: orDefault(
      z.int('must be a whole number').min(0, 'must be 0 or more').max(1_000_000, 'is no wait'),
      0,
    ),
  })
  .refine(saysSomething, saysNothing);

export const receiveMessageBody = z
  .object({ ...message, contact_id: optionalUuid, phone: optionalPhone })
  .refine(saysSomething, saysNothing)
  .superRefine(({ contact_id, phone }, context) => {
    if ((contact_id === undefined) !== (phone === undefined)) return;
    const text =
      contact_id === undefined
        ? 'one of contact_id and phone is required'
        : 'only one of contact_id and phone may be given';
    for (const field of ['contact_id', 'phone'])
      context.addIssue({ code: 'custom', path: [field], message: text });
  });

export type ReplyBody = z.output<typeof replyBody>;
export type ReceiveMessageBody = z.output<typeof receiveMessageBody>;
