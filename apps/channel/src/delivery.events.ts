import type { Change } from '@parley/events';

/** The events of a delivery, made by the statement that changes its row. Proto: channel_events.proto. */

/** What such a statement returns of the deliveries d it changes. */
export const TOLD_COLUMNS = `d.tenant_id, d.id, d.effect_id, d.session_id, d.contact_id, d.channel,
  d.provider_message_id, d.attempts, d.status, d.failure_code, d.told, d.updated_at`;

const data = (...more: string[]): string => {
  const fields = [
    `'delivery_id', id, 'effect_id', effect_id, 'session_id', session_id, 'contact_id', contact_id`,
    `'channel', channel, 'provider_message_id', provider_message_id, 'attempts', attempts`,
    ...more,
  ];
  return `json_build_object(${fields.join(', ')})::text`;
};

export const OF_DELIVERY: Change['of'] = { tenantId: 'tenant_id', subject: 'id::text', time: 'updated_at' };

/** Told of what has been delivered, or has failed; of nothing else. */
export const MESSAGE_SETTLED: NonNullable<Change['event']> = {
  type: `CASE status WHEN 'delivered' THEN 'message.delivered' ELSE 'message.failed' END`,
  sequence: 'told',
  data: `CASE status WHEN 'delivered' THEN ${data()} ELSE ${data(`'failure_code', failure_code`)} END`,
};
