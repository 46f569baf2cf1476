import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  ChannelKind,
  ChannelServiceService,
  ChannelStatus,
  DeliveryStatus,
  type Channel,
  type Delivery,
} from '@parley/contracts/channel';
import { DomainError, invalidFields } from '@parley/errors';
import { toServiceError } from '@parley/grpc';

const DAY = new Date('2026-05-07T08:14:23.456Z');

/** Stands in for the channel service, which another team owns: it answers what it was told, and records what it is asked. */
export class FakeChannelService {
  readonly address: string;
  readonly asked: { rpc: string; request: unknown }[] = [];
  /** Fails the next call. */
  error: DomainError | undefined;
  channel: Channel = {
    tenantId: '0198c0de-0000-7000-8000-000000000001',
    kind: ChannelKind.WEBHOOK,
    status: ChannelStatus.ACTIVE,
    url: 'https://shop.example.com/parley',
    phoneNumberId: '',
    error: undefined,
    createdAt: DAY,
    updatedAt: DAY,
  };
  delivery: Delivery = {
    tenantId: this.channel.tenantId,
    id: '0198c0de-0000-7000-8000-000000000002',
    effectId: 'effect-1',
    sessionId: '0198c0de-0000-7000-8000-000000000003',
    contactId: '0198c0de-0000-7000-8000-000000000004',
    channel: ChannelKind.WEBHOOK,
    status: DeliveryStatus.FAILED,
    attempts: 9,
    nextAttemptAt: undefined,
    providerMessageId: '',
    failure: { code: 'HTTP_STATUS', message: 'The webhook answered with status 500' },
    createdAt: DAY,
    updatedAt: DAY,
  };
  private readonly server: Server;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(): Promise<FakeChannelService> {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const fake = new FakeChannelService(server, port);
    const answer =
      <Response>(rpc: string, give: () => Response) =>
      ({ request }: ServerUnaryCall<unknown, Response>, reply: sendUnaryData<Response>): void => {
        fake.asked.push({ rpc, request });
        const { error } = fake;
        fake.error = undefined;
        if (error) reply(toServiceError(error, 'parley.channel.v1'));
        else reply(null, give());
      };
    server.addService(ChannelServiceService, {
      setChannel: answer('setChannel', () => ({ channel: fake.channel, signingSecret: 'whsec_c2VjcmV0' })),
      describeChannel: answer('describeChannel', () => ({ channel: fake.channel })),
      listChannels: answer('listChannels', () => ({ channels: [fake.channel] })),
      deleteChannel: answer('deleteChannel', () => ({})),
      listDeliveries: answer('listDeliveries', () => ({
        deliveries: [fake.delivery],
        nextPageToken: 'more',
      })),
      retryDelivery: answer('retryDelivery', () => ({ delivery: fake.delivery })),
    });
    return fake;
  }

  fail(reason: string): void {
    this.error =
      reason === 'INVALID_FIELD'
        ? invalidFields([{ field: 'webhook.url', description: 'must begin with https://' }])
        : new DomainError(reason.endsWith('NOT_FOUND') ? 'not_found' : 'failed_precondition', reason, 'No');
  }

  stop(): void {
    this.server.forceShutdown();
  }
}
