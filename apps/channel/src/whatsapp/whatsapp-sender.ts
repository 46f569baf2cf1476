import type { WhatsApp } from '../channel.ts';
import type { LeasedDelivery } from '../delivery-rows.ts';
import { post, PostError, type PostFailure } from '../outbound-http.ts';
import type { Failure, SendOutcome } from '../send-outcome.ts';
import { referenceOf } from './reference.ts';
import { readAnswer } from './whatsapp-answer.ts';
import { toWhatsApp } from './whatsapp-message.ts';

const NO_ANSWER: Record<PostFailure, Failure> = {
  address_refused: { code: 'ADDRESS_REFUSED', message: 'WHATSAPP_BASE_URL leads into a private network' },
  timeout: { code: 'TIMEOUT', message: 'WhatsApp did not answer within 10 s' },
  connection_failed: {
    code: 'CONNECTION_FAILED',
    message: 'The connection to WhatsApp could not be made, or broke',
  },
  interrupted: { code: 'INTERRUPTED', message: 'The service stopped before the answer came' },
};

/**
 * Sends a message by the Cloud API. It has no key that would make a request repeatable: one whose answer was lost is sent
 * twice, unless Meta tells of the first, by our reference, before it is made again.
 */
export async function sendWhatsApp(
  delivery: LeasedDelivery,
  { phoneNumberId, accessToken }: WhatsApp,
  phone: string,
  { baseUrl, signal }: { baseUrl: string; signal: AbortSignal },
): Promise<SendOutcome> {
  const body = toWhatsApp(delivery.message, phone, referenceOf(delivery));
  if ('problem' in body) {
    return { result: 'failed', failure: { code: 'MESSAGE_UNSENDABLE', message: String(body['problem']) } };
  }
  try {
    const answer = await post({
      url: new URL(`${baseUrl.replace(/\/$/, '')}/${phoneNumberId}/messages`),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
      body: JSON.stringify(body),
      // The operator's setting, not a tenant's.
      allowPrivate: true,
      signal,
    });
    return readAnswer(answer);
  } catch (error) {
    if (!(error instanceof PostError)) throw error;
    return { result: 'retry', failure: NO_ANSWER[error.reason] };
  }
}
