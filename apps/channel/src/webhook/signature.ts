import { createHmac } from 'node:crypto';

/**
 * The value of webhook-signature as Standard Webhooks has it: an HMAC-SHA256 of `id.timestamp.body` for each secret.
 * timestamp: whole seconds since the epoch. secrets: whsec_ and base64.
 */
export function signatureOf(secrets: string[], id: string, timestamp: number, body: string): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    })
    .join(' ');
}
