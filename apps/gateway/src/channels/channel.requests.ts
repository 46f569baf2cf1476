import { DeliveryStatus } from '@parley/contracts/channel';
import { z } from 'zod';
import { after, limit, required } from '../fields.ts';

/** A text that channel itself checks; here only its type. */
const text = z.string('must be a string').default('');

export const webhookBody = z.object({
  url: required,
  rotate_secret: z.boolean('must be true or false').default(false),
});

export const whatsAppBody = z.object({
  phone_number_id: required,
  access_token: text,
  app_secret: text,
  verify_token: text,
});

const STATUSES = {
  pending: DeliveryStatus.PENDING,
  sent: DeliveryStatus.SENT,
  delivered: DeliveryStatus.DELIVERED,
  failed: DeliveryStatus.FAILED,
};

export const listDeliveriesQuery = z.strictObject({
  status: z
    .enum(['pending', 'sent', 'delivered', 'failed'], 'must be pending, sent, delivered or failed')
    .transform((status) => STATUSES[status])
    .default(DeliveryStatus.UNSPECIFIED),
  limit,
  after,
});

export type ListDeliveriesQuery = z.output<typeof listDeliveriesQuery>;
