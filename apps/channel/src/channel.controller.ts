import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import {
  ChannelKind,
  ChannelStatus,
  DeliveryStatus,
  type Channel,
  type DeleteChannelResponse,
  type Delivery,
  type DescribeChannelResponse,
  type ListChannelsResponse,
  type ListDeliveriesResponse,
  type RetryDeliveryResponse,
  type SetChannelResponse,
} from '@parley/contracts/channel';
import type { ChannelRow } from './channel-rows.ts';
import {
  channelRequest,
  deliveryRequest,
  listChannelsRequest,
  listDeliveriesRequest,
  type ChannelRequest,
  type DeliveryRequest,
  type ListChannels,
  type ListDeliveries,
  type SetChannel,
} from './channel.requests.ts';
import { ChannelService } from './channel.service.ts';
import { DeliveryService, type DeliveryRow } from './delivery.service.ts';
import { SetChannelPipe } from './set-channel.pipe.ts';

const KINDS: Record<string, ChannelKind> = { webhook: ChannelKind.WEBHOOK, whatsapp: ChannelKind.WHATSAPP };
const STATUSES = { active: ChannelStatus.ACTIVE, disabled: ChannelStatus.DISABLED };
const DELIVERY_STATUSES = {
  pending: DeliveryStatus.PENDING,
  sent: DeliveryStatus.SENT,
  delivered: DeliveryStatus.DELIVERED,
  failed: DeliveryStatus.FAILED,
};

@Controller()
export class ChannelController {
  private readonly channels: ChannelService;
  private readonly deliveries: DeliveryService;

  constructor(channels: ChannelService, deliveries: DeliveryService) {
    this.channels = channels;
    this.deliveries = deliveries;
  }

  @GrpcMethod('ChannelService', 'setChannel')
  async setChannel(@Payload(SetChannelPipe) request: SetChannel): Promise<SetChannelResponse> {
    const { channel, madeSecret } = await this.channels.set(request);
    return { channel: toChannel(channel), signingSecret: madeSecret };
  }

  @GrpcMethod('ChannelService', 'describeChannel')
  async describeChannel(
    @Payload({ schema: channelRequest }) request: ChannelRequest,
  ): Promise<DescribeChannelResponse> {
    return { channel: toChannel(await this.channels.get(request)) };
  }

  @GrpcMethod('ChannelService', 'listChannels')
  async listChannels(
    @Payload({ schema: listChannelsRequest }) request: ListChannels,
  ): Promise<ListChannelsResponse> {
    return { channels: (await this.channels.list(request)).map(toChannel) };
  }

  @GrpcMethod('ChannelService', 'deleteChannel')
  async deleteChannel(
    @Payload({ schema: channelRequest }) request: ChannelRequest,
  ): Promise<DeleteChannelResponse> {
    await this.channels.delete(request);
    return {};
  }

  @GrpcMethod('ChannelService', 'listDeliveries')
  async listDeliveries(
    @Payload({ schema: listDeliveriesRequest }) request: ListDeliveries,
  ): Promise<ListDeliveriesResponse> {
    const { page, next } = await this.deliveries.list(request);
    return { deliveries: page.map(toDelivery), nextPageToken: next };
  }

  @GrpcMethod('ChannelService', 'retryDelivery')
  async retryDelivery(
    @Payload({ schema: deliveryRequest }) request: DeliveryRequest,
  ): Promise<RetryDeliveryResponse> {
    return { delivery: toDelivery(await this.deliveries.retry(request)) };
  }
}

/** Without its secrets. */
function toChannel(row: ChannelRow): Channel {
  return {
    tenantId: row.tenantId,
    kind: KINDS[row.kind]!,
    status: STATUSES[row.status],
    url: row.kind === 'webhook' ? row.settings.url : '',
    phoneNumberId: row.kind === 'whatsapp' ? row.settings.phoneNumberId : '',
    error:
      row.errorCode === null
        ? undefined
        : { code: row.errorCode, message: row.errorMessage ?? '', at: row.errorAt ?? undefined },
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function toDelivery({ dueAt, failureCode, failureMessage, ...row }: DeliveryRow): Delivery {
  return {
    ...row,
    channel: KINDS[row.channel] ?? ChannelKind.UNSPECIFIED,
    status: DELIVERY_STATUSES[row.status],
    nextAttemptAt: row.status === 'pending' ? dueAt : undefined,
    failure: failureCode === null ? undefined : { code: failureCode, message: failureMessage ?? '' },
  };
}
