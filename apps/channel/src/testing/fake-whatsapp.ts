import { createHmac } from 'node:crypto';
import type { RecordedAnswer } from '@parley/testing';
import { WHATSAPP } from './channel-app.ts';

/** What the Cloud API answers to a message that it takes. */
export function taken(id: string): RecordedAnswer {
  const body = {
    messaging_product: 'whatsapp',
    contacts: [{ input: '+14155550123', wa_id: '14155550123' }],
    messages: [{ id }],
  };
  return { status: 200, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

/** An error as Meta documents them. */
export function refused(status: number, code: number, message: string, details = ''): RecordedAnswer {
  const error = {
    message: `(#${code}) ${message}`,
    type: 'OAuthException',
    code,
    ...(details !== '' && { error_data: { messaging_product: 'whatsapp', details } }),
    fbtrace_id: 'Az8or2yhqkZfEZ-_4Qn_Bam',
  };
  return { status, body: JSON.stringify({ error }), headers: { 'content-type': 'application/json' } };
}

const FROM = '14155550123';

/** A notification of Meta's about this number. value: messages or statuses. */
export function notification(value: object, phoneNumberId = WHATSAPP.phoneNumberId): string {
  return JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '102290129340398',
        changes: [
          {
            field: 'messages',
            value: {
              messaging_product: 'whatsapp',
              metadata: { display_phone_number: '15550783881', phone_number_id: phoneNumberId },
              ...value,
            },
          },
        ],
      },
    ],
  });
}

const secondsNow = (): string => String(Math.floor(Date.now() / 1_000));

export const textMessage = (id: string, body: string, from = FROM): object => ({
  ...{ from, id, timestamp: secondsNow(), type: 'text' },
  text: { body },
});

export const buttonReply = (id: string, payload: string, title: string): object => ({
  ...{ from: FROM, id, timestamp: secondsNow(), type: 'interactive' },
  interactive: { type: 'button_reply', button_reply: { id: payload, title } },
});

export const listReply = (id: string, payload: string, title: string): object => ({
  ...{ from: FROM, id, timestamp: secondsNow(), type: 'interactive' },
  interactive: { type: 'list_reply', list_reply: { id: payload, title, description: '' } },
});

export const templateButton = (id: string, payload: string, text: string): object => ({
  ...{ from: FROM, id, timestamp: secondsNow(), type: 'button' },
  button: { payload, text },
});

export const statusOf = (id: string, status: string, more: object = {}): object => ({
  ...{ id, status, timestamp: '1750263773', recipient_id: FROM },
  ...more,
});

/** Posts it as Meta does. change: of the request's headers. */
export function notify(
  inboundAddress: string,
  tenantId: string,
  body: string,
  change: Record<string, string> = {},
  secret = WHATSAPP.appSecret,
): Promise<Response> {
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  return fetch(`http://${inboundAddress}/webhooks/whatsapp/${tenantId}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature, ...change },
    body,
  });
}
