import { ChannelKind, DeliveryStatus } from '@parley/contracts/channel';
import { pageSize, uuid } from '@parley/grpc';
import { z } from 'zod';
import type { ChannelKind as Kind, ChannelSettings } from './channel.ts';
import { targetProblem } from './webhook/target.ts';

const KINDS = { [ChannelKind.WEBHOOK]: 'webhook', [ChannelKind.WHATSAPP]: 'whatsapp' } as const;
const STATUSES = {
  [DeliveryStatus.UNSPECIFIED]: undefined,
  [DeliveryStatus.PENDING]: 'pending',
  [DeliveryStatus.SENT]: 'sent',
  [DeliveryStatus.DELIVERED]: 'delivered',
  [DeliveryStatus.FAILED]: 'failed',
} as const;

const kind = z
  .enum([ChannelKind.WEBHOOK, ChannelKind.WHATSAPP], 'must be a kind of channel')
  .transform((given): Kind => KINDS[given]);

const anyOrKind = z.union(
  [z.literal(ChannelKind.UNSPECIFIED).transform(() => undefined), kind],
  'must be a kind of channel',
);

/** A secret as it goes into a header or an HMAC. */
const secret = (max: number) =>
  z
    .string()
    .max(max, `must not be longer than ${max} characters`)
    .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces');

const whatsapp = z.object({
  phoneNumberId: z.string().regex(/^\d{1,32}$/, 'must be 1 to 32 digits'),
  accessToken: secret(1_024),
  appSecret: secret(256),
  verifyToken: secret(256),
});

/** allowPrivate: whether webhooks may lie in private networks. */
export const setChannelRequest = (allowPrivate: boolean) => {
  const webhook = z.object({
    url: z.string().superRefine((url, context) => {
      const problem = targetProblem(url, allowPrivate);
      if (problem !== undefined) context.addIssue(problem);
    }),
    rotateSecret: z.boolean(),
  });
  return z
    .object({ tenantId: uuid, settings: z.unknown() })
    .transform(({ tenantId, settings }, context): { tenantId: string; settings: ChannelSettings } => {
      const given = settings as { $case: string; value: unknown } | undefined;
      if (given?.$case !== 'webhook' && given?.$case !== 'whatsapp') {
        context.addIssue({ code: 'custom', path: ['settings'], message: 'is required' });
        return z.NEVER;
      }
      const parsed =
        given.$case === 'webhook'
          ? webhook.transform((value) => ({ kind: 'webhook' as const, ...value })).safeParse(given.value)
          : whatsapp.transform((value) => ({ kind: 'whatsapp' as const, ...value })).safeParse(given.value);
      if (parsed.success) return { tenantId, settings: parsed.data };
      for (const { path, message } of parsed.error.issues) {
        context.addIssue({ code: 'custom', path: [given.$case, ...path], message });
      }
      return z.NEVER;
    });
};

export const channelRequest = z.object({ tenantId: uuid, kind });

export const listChannelsRequest = z.object({ tenantId: uuid });

export const listDeliveriesRequest = z.object({
  tenantId: uuid,
  channel: anyOrKind,
  status: z
    .enum(
      [
        DeliveryStatus.UNSPECIFIED,
        DeliveryStatus.PENDING,
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.FAILED,
      ],
      'must be a status of deliveries',
    )
    .transform((given) => STATUSES[given]),
  pageSize,
  pageToken: z.string(),
});

export const deliveryRequest = z.object({ tenantId: uuid, id: uuid, channel: anyOrKind });

export type SetChannel = z.output<ReturnType<typeof setChannelRequest>>;
export type ChannelRequest = z.output<typeof channelRequest>;
export type ListChannels = z.output<typeof listChannelsRequest>;
export type ListDeliveries = z.output<typeof listDeliveriesRequest>;
export type DeliveryRequest = z.output<typeof deliveryRequest>;
