import type { ChannelError } from './channel.ts';

/** What came of an attempt to send a message. Codes: docs/channels.md. */
export type SendOutcome =
  /** It has reached the webhook. */
  | { result: 'delivered' }
  /** The provider took it and will say what became of it; its id is empty where it gave none. */
  | { result: 'sent'; providerMessageId: string }
  /** It may work another time. channelError: what is wrong with the channel as a whole. */
  | { result: 'retry'; failure: Failure; afterSeconds?: number; channelError?: ChannelError }
  /** Nothing was sent, for a reason of ours: it does not count as an attempt. */
  | { result: 'postponed'; failure: Failure }
  /** It will never work. disables: nor will anything else by this channel. */
  | { result: 'failed'; failure: Failure; disables?: boolean };

/** Why a message is not sent, but for what WhatsApp says: that is WHATSAPP_ and its code. docs/channels.md explains each. */
export const FAILURE_CODES = [
  'CHANNEL_NOT_SET',
  'CHANNEL_DISABLED',
  'CONTACT_NOT_FOUND',
  'CONTACT_OPTED_OUT',
  'UNAVAILABLE',
  'MESSAGE_UNSENDABLE',
  'ADDRESS_REFUSED',
  'CONNECTION_FAILED',
  'TIMEOUT',
  'INTERRUPTED',
  'HTTP_STATUS',
  'ENDPOINT_GONE',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number] | `WHATSAPP_${number}`;

export interface Failure {
  code: FailureCode;
  /** In English. Never what the other side answered, nor a phone number. */
  message: string;
}
