import type { LeasedDelivery } from '../delivery-rows.ts';
import { post, PostError, type Answer, type PostFailure } from '../outbound-http.ts';
import { signingSecrets, type Webhook } from '../channel.ts';
import type { Failure, SendOutcome } from '../send-outcome.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import { signatureOf } from './signature.ts';
import { targetProblem } from './target.ts';

/** The receiver wants nothing more, ever. */
const GONE = 410;

const NO_ANSWER: Record<PostFailure, Failure> = {
  address_refused: { code: 'ADDRESS_REFUSED', message: 'The address leads into a private network' },
  timeout: { code: 'TIMEOUT', message: 'There was no answer within 10 s' },
  connection_failed: { code: 'CONNECTION_FAILED', message: 'The connection could not be made, or broke' },
  interrupted: { code: 'INTERRUPTED', message: 'The service stopped before the answer came' },
};

/** Sends a message as Standard Webhooks has it. What it is made of is the same at every attempt, but for the time. */
export async function sendWebhook(
  delivery: LeasedDelivery,
  webhook: Webhook,
  phone: string,
  { allowPrivate, signal }: { allowPrivate: boolean; signal: AbortSignal },
): Promise<SendOutcome> {
  // The rules may have become stricter since it was set.
  if (targetProblem(webhook.url, allowPrivate) !== undefined) {
    return { result: 'failed', failure: NO_ANSWER.address_refused };
  }
  const now = new Date();
  const timestamp = Math.floor(now.getTime() / 1_000);
  const body = bodyOf(delivery, phone);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Parley-Webhook/1',
    'webhook-id': delivery.effectId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureOf(signingSecrets(webhook, now), delivery.effectId, timestamp, body),
  };
  try {
    return outcomeOf(await post({ url: new URL(webhook.url), headers, body, allowPrivate, signal }));
  } catch (error) {
    if (!(error instanceof PostError)) throw error;
    return { result: 'retry', failure: NO_ANSWER[error.reason] };
  }
}

function outcomeOf({ status, headers }: Answer): SendOutcome {
  if (status >= 200 && status < 300) return { result: 'delivered' };
  if (status === GONE) {
    const message = 'The webhook answered 410: it wants nothing more';
    return { result: 'failed', failure: { code: 'ENDPOINT_GONE', message }, disables: true };
  }
  // A redirect among them: it is not followed.
  const failure: Failure = { code: 'HTTP_STATUS', message: `The webhook answered with status ${status}` };
  return { result: 'retry', failure, ...retryAfterSeconds(headers['retry-after']) };
}

function bodyOf({ message, requestedAt }: LeasedDelivery, phone: string): string {
  return JSON.stringify({
    type: 'message.requested',
    timestamp: requestedAt.toISOString(),
    data: {
      effect_id: message.effect_id,
      session_id: message.session_id,
      flow_id: message.flow_id,
      flow_name: message.flow_name,
      flow_version: message.flow_version,
      contact_id: message.contact_id,
      phone,
      node_id: message.node_id,
      text: message.text,
      template: message.template ?? null,
      media: message.media ?? null,
      choices: message.choices,
      wait_id: message.wait_id,
    },
  });
}
