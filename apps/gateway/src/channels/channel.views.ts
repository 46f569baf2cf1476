import {
  ChannelKind,
  ChannelStatus,
  DeliveryStatus,
  type Channel,
  type Delivery,
} from '@parley/contracts/channel';
import { toOptionalTimestamp, toTimestamp } from '../fields.ts';

const STATUS_NAMES: Partial<Record<DeliveryStatus, string>> = {
  [DeliveryStatus.PENDING]: 'pending',
  [DeliveryStatus.SENT]: 'sent',
  [DeliveryStatus.DELIVERED]: 'delivered',
  [DeliveryStatus.FAILED]: 'failed',
};

/** A channel as /channels gives it, never with its secrets. */
export function toChannelView(channel: Channel): Record<string, unknown> {
  const { error } = channel;
  const isWebhook = channel.kind === ChannelKind.WEBHOOK;
  return {
    kind: isWebhook ? 'webhook' : 'whatsapp',
    status: channel.status === ChannelStatus.ACTIVE ? 'active' : 'disabled',
    ...(isWebhook
      ? { url: channel.url }
      : {
          phone_number_id: channel.phoneNumberId,
          // At the channel service's own HTTP port (docs/channels.md).
          callback_path: `/webhooks/whatsapp/${channel.tenantId}`,
        }),
    error: error ? { code: error.code, message: error.message, at: toOptionalTimestamp(error.at) } : null,
    created_at: toTimestamp(channel.createdAt!),
    updated_at: toTimestamp(channel.updatedAt!),
  };
}

export function toDeliveryView(delivery: Delivery): Record<string, unknown> {
  return {
    id: delivery.id,
    effect_id: delivery.effectId,
    session_id: delivery.sessionId,
    contact_id: delivery.contactId,
    status: STATUS_NAMES[delivery.status] ?? 'pending',
    attempts: delivery.attempts,
    next_attempt_at: toOptionalTimestamp(delivery.nextAttemptAt),
    provider_message_id: delivery.providerMessageId || null,
    failure: delivery.failure ? { code: delivery.failure.code, message: delivery.failure.message } : null,
    created_at: toTimestamp(delivery.createdAt!),
    updated_at: toTimestamp(delivery.updatedAt!),
  };
}
