import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ChannelKind, ChannelServiceClient, type SetChannelRequest } from '@parley/contracts/channel';
import { DomainError, invalidFields } from '@parley/errors';
import { call, checkItem } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { idInPath } from '../fields.ts';
import {
  listDeliveriesQuery,
  webhookBody,
  whatsAppBody,
  type ListDeliveriesQuery,
} from './channel.requests.ts';
import { toChannelView, toDeliveryView } from './channel.views.ts';

@Controller('channels')
export class ChannelsController {
  private readonly channels: ChannelServiceClient;

  constructor(channels: ChannelServiceClient) {
    this.channels = channels;
  }

  @Get()
  @Access('channels:read')
  async list(@CurrentCaller() { tenantId }: Caller): Promise<object> {
    const { channels } = await call(this.channels, this.channels.listChannels, { tenantId });
    return { data: channels.map(toChannelView) };
  }

  /** What the body has to hold depends on the kind. */
  @Put(':kind')
  @Access('channels:write')
  async set(
    @CurrentCaller() { tenantId }: Caller,
    @Param('kind') kind: string,
    @Body() body: unknown,
  ): Promise<object> {
    const settings = kindOf(kind) === ChannelKind.WEBHOOK ? toWebhook(body) : toWhatsApp(body);
    const { channel, signingSecret } = await this.setChannel({ tenantId, settings });
    return { ...toChannelView(channel!), ...(signingSecret !== '' && { signing_secret: signingSecret }) };
  }

  @Get(':kind')
  @Access('channels:read')
  async get(@CurrentCaller() { tenantId }: Caller, @Param('kind') kind: string): Promise<object> {
    const { channel } = await call(this.channels, this.channels.describeChannel, {
      tenantId,
      kind: kindOf(kind),
    });
    return toChannelView(channel!);
  }

  @Delete(':kind')
  @HttpCode(204)
  @Access('channels:write')
  async delete(@CurrentCaller() { tenantId }: Caller, @Param('kind') kind: string): Promise<void> {
    await call(this.channels, this.channels.deleteChannel, { tenantId, kind: kindOf(kind) });
  }

  @Get(':kind/deliveries')
  @Access('channels:read')
  async deliveries(
    @CurrentCaller() { tenantId }: Caller,
    @Param('kind') kind: string,
    @Query({ schema: listDeliveriesQuery }) query: ListDeliveriesQuery,
  ): Promise<object> {
    const { deliveries, nextPageToken } = await call(this.channels, this.channels.listDeliveries, {
      tenantId,
      channel: kindOf(kind),
      status: query.status,
      pageSize: query.limit,
      pageToken: query.after,
    });
    return { data: deliveries.map(toDeliveryView), next: nextPageToken || null };
  }

  @Post(':kind/deliveries/:id/retry')
  @HttpCode(200)
  @Access('channels:write')
  async retry(
    @CurrentCaller() { tenantId }: Caller,
    @Param('kind') kind: string,
    @Param('id') id: string,
  ): Promise<object> {
    const { delivery } = await call(this.channels, this.channels.retryDelivery, {
      tenantId,
      channel: kindOf(kind),
      id: idInPath(id, 'DELIVERY_NOT_FOUND'),
    });
    return toDeliveryView(delivery!);
  }

  /** The fields at fault under their names in the body: "webhook.url" is its url. */
  private async setChannel(request: SetChannelRequest) {
    try {
      return await call(this.channels, this.channels.setChannel, request);
    } catch (error) {
      if (!(error instanceof DomainError && error.reason === 'INVALID_FIELD')) throw error;
      const ofBody = (field: string): string => field.replace(/^(webhook|whatsapp)\./, '');
      throw invalidFields(
        error.fields.map(({ field, description }) => ({ field: ofBody(field), description })),
      );
    }
  }
}

/** The kind in a path. What is none names no channel. */
function kindOf(text: string): ChannelKind {
  if (text === 'webhook') return ChannelKind.WEBHOOK;
  if (text === 'whatsapp') return ChannelKind.WHATSAPP;
  throw new DomainError('not_found', 'CHANNEL_NOT_FOUND', 'Channel not found');
}

function toWebhook(body: unknown): SetChannelRequest['settings'] {
  const checked = checkItem(webhookBody, body);
  if (checked instanceof DomainError) throw checked;
  return { $case: 'webhook', value: { url: checked.url, rotateSecret: checked.rotate_secret } };
}

function toWhatsApp(body: unknown): SetChannelRequest['settings'] {
  const checked = checkItem(whatsAppBody, body);
  if (checked instanceof DomainError) throw checked;
  return {
    $case: 'whatsapp',
    value: {
      phoneNumberId: checked.phone_number_id,
      accessToken: checked.access_token,
      appSecret: checked.app_secret,
      verifyToken: checked.verify_token,
    },
  };
}
