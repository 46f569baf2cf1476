import type { Outbox } from '@parley/events';
import type { Database } from '@parley/postgres';
import { MESSAGE_SETTLED, OF_DELIVERY, TOLD_COLUMNS } from '../delivery.events.ts';
import type { Failure } from '../send-outcome.ts';
import type { Attempt } from './reference.ts';

/** A message of ours as the provider names it. */
export interface ProviderMessage {
  tenantId: string;
  /** Not empty. */
  providerMessageId: string;
  /** The attempt it is of, where the provider gave our reference back: it knows of messages whose answer we never got. */
  attempt: Attempt | undefined;
}

/**
 * Found by either name. What has been settled already stays so, whatever comes late or again. Of a delivery that was sent
 * again only the last attempt counts: by the provider's id once its answer told us that, until then by our reference.
 */
const UNSETTLED = `d.tenant_id = $1 AND d.channel = 'whatsapp' AND d.status IN ('pending', 'sent')
  AND d.id = coalesce($3::uuid, (
    SELECT id FROM deliveries WHERE tenant_id = $1 AND provider_message_id = $2 AND provider_message_id <> '' LIMIT 1))
  AND (d.provider_message_id = $2 OR d.provider_message_id = '' AND d.told = $4 AND d.attempts = $5)`;

const named = ({ tenantId, providerMessageId, attempt }: ProviderMessage): unknown[] => [
  tenantId,
  providerMessageId,
  attempt?.id ?? null,
  attempt?.told ?? null,
  attempt?.attempt ?? null,
];

/** Taken: an attempt whose answer was lost need not be made again. */
export async function noteSent(database: Database, message: ProviderMessage): Promise<void> {
  await database.query(
    `UPDATE deliveries d SET status = 'sent', provider_message_id = $2, lease = NULL, failure_code = NULL,
       failure_message = NULL, updated_at = clock_timestamp()
     WHERE ${UNSETTLED} AND status <> 'sent'`,
    named(message),
  );
}

export async function noteDelivered(outbox: Outbox, message: ProviderMessage): Promise<void> {
  await outbox.change({
    statement: `UPDATE deliveries d SET status = 'delivered', provider_message_id = $2, lease = NULL, told = told + 1,
        failure_code = NULL, failure_message = NULL, updated_at = clock_timestamp()
      WHERE ${UNSETTLED} RETURNING ${TOLD_COLUMNS}`,
    parameters: named(message),
    of: OF_DELIVERY,
    event: MESSAGE_SETTLED,
  });
}

export async function noteFailed(
  outbox: Outbox,
  message: ProviderMessage,
  { code, message: text }: Failure,
): Promise<void> {
  await outbox.change({
    statement: `UPDATE deliveries d SET status = 'failed', provider_message_id = $2, lease = NULL, told = told + 1,
        failure_code = $6, failure_message = $7, updated_at = clock_timestamp()
      WHERE ${UNSETTLED} RETURNING ${TOLD_COLUMNS}`,
    parameters: [...named(message), code, text],
    of: OF_DELIVERY,
    event: MESSAGE_SETTLED,
  });
}
