import { randomUUID } from 'node:crypto';
import {
  ChannelKind,
  ChannelServiceClient,
  DeliveryStatus,
  type Channel,
  type Delivery,
  type SetChannelResponse,
  type WhatsAppSettings,
} from '@parley/contracts/channel';
import { EventStream } from '@parley/events';
import { call, connect } from '@parley/grpc';
import { migrate } from '@parley/postgres';
import { Logger, readSettings } from '@parley/service';
import { createTestDatabase, eventually, freePort, NATS_URL, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { startChannelService, type RunningChannelService } from '../app.module.ts';
import { channelConfig } from '../config.ts';
import type { MessageRequested } from '../message-requested.ts';
import { migrations } from '../migrations/index.ts';
import { FakeServices } from './fake-services.ts';

/** What the tests' app waits between attempts, unless told otherwise: two retries. */
export const RETRIES = '0.1,0.1';

export const WHATSAPP = {
  phoneNumberId: '106540352242922',
  accessToken: 'EAAJB-token',
  appSecret: 'app-secret',
  verifyToken: 'verify-me',
};

/** A channel service on a database of its own, with as many replicas as the test wants. */
export class ChannelApp {
  readonly database: TestDatabase;
  readonly services: FakeServices;
  readonly logger = new Logger('channel', 'fatal');
  readonly clients: ChannelServiceClient[] = [];
  readonly replicas: RunningChannelService[] = [];
  private readonly sessionStream: EventStream;
  private readonly consumer = `channel-${randomUUID()}`;

  private constructor(database: TestDatabase, services: FakeServices) {
    this.database = database;
    this.services = services;
    this.sessionStream = new EventStream({
      url: process.env[NATS_URL]!,
      name: 'PARLEY_SESSION',
      subjects: ['session.>', 'message.requested'],
      source: '/parley/session',
      logger: new Logger('session', 'silent'),
    });
  }

  static async create(): Promise<ChannelApp> {
    const services = new FakeServices();
    const [database] = await Promise.all([createTestDatabase(migrations, migrate), services.listen()]);
    return new ChannelApp(database, services);
  }

  /** Settings as in the environment. Webhooks may be http and on this machine. */
  async addReplica(settings: Record<string, string> = {}): Promise<RunningChannelService> {
    const env = {
      DATABASE_URL: this.database.url,
      NATS_URL: process.env[NATS_URL],
      // Specs run side by side on one NATS.
      EVENT_CONSUMER: this.consumer,
      CONTACT_ADDRESS: this.services.address,
      SESSION_ADDRESS: this.services.address,
      GRPC_PORT: String(await freePort()),
      HTTP_PORT: '0',
      ALLOW_PRIVATE_TARGETS: 'true',
      RETRY_SECONDS: RETRIES,
      ...settings,
    };
    const service = await startChannelService(readSettings(channelConfig, env), this.logger);
    this.replicas.push(service);
    this.clients.push(connect(ChannelServiceClient, service.address));
    return service;
  }

  async closeReplicas(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    await Promise.all(this.replicas.splice(0).map((replica) => replica.close()));
  }

  get client(): ChannelServiceClient {
    return this.clients[0]!;
  }

  setWebhook(tenantId: string, url: string, rotateSecret = false): Promise<SetChannelResponse> {
    const settings = { $case: 'webhook' as const, value: { url, rotateSecret } };
    return call(this.client, this.client.setChannel, { tenantId, settings });
  }

  setWhatsApp(tenantId: string, change: Partial<WhatsAppSettings> = {}): Promise<SetChannelResponse> {
    const settings = { $case: 'whatsapp' as const, value: { ...WHATSAPP, ...change } };
    return call(this.client, this.client.setChannel, { tenantId, settings });
  }

  async channel(tenantId: string, kind = ChannelKind.WEBHOOK): Promise<Channel> {
    return (await call(this.client, this.client.describeChannel, { tenantId, kind })).channel!;
  }

  /** Newest first. */
  async deliveries(tenantId: string, status = DeliveryStatus.UNSPECIFIED): Promise<Delivery[]> {
    const request = { tenantId, channel: ChannelKind.UNSPECIFIED, status, pageSize: 0, pageToken: '' };
    return (await call(this.client, this.client.listDeliveries, request)).deliveries;
  }

  /** Waits until a tenant's deliveries stand so, the oldest first. */
  async waitFor(tenantId: string, ...statuses: DeliveryStatus[]): Promise<Delivery[]> {
    return eventually(async () => {
      const found = (await this.deliveries(tenantId)).toReversed();
      const standing = found.map(({ status }) => status);
      if (standing.join() !== statuses.join()) throw new Error(`They stand so: ${standing.join(', ')}`);
      return found;
    });
  }

  /** Asks for a message as the session service does. */
  async request(message: NewMessage): Promise<void> {
    const { tenantId, sequence = 2, eventId = uuidv7(), time = new Date(), ...data } = message;
    await eventually(() => {
      if (!this.sessionStream.connected) throw new Error('NATS is away');
    });
    await this.sessionStream.publish({
      ...{ id: eventId, tenantId, type: 'message.requested', subject: data.session_id, sequence },
      ...{ time, data: JSON.stringify(data) },
    });
  }

  async close(): Promise<void> {
    await this.closeReplicas();
    this.sessionStream.close();
    this.services.close();
    await this.database.drop();
  }
}

export interface NewMessage extends Partial<MessageRequested> {
  tenantId: string;
  effect_id: string;
  session_id: string;
  contact_id: string;
  sequence?: number;
  eventId?: string;
  /** When it was asked for; default now. */
  time?: Date;
}

/** A text to a contact in a tenant of its own. */
export function newMessage(app: ChannelApp, change: Partial<NewMessage> = {}): NewMessage {
  const tenantId = change.tenantId ?? uuidv7();
  const contactId = change.contact_id ?? app.services.addContact(tenantId, '+14155550123');
  return {
    tenantId,
    effect_id: `effect-${randomUUID()}`,
    session_id: uuidv7(),
    flow_id: uuidv7(),
    flow_name: 'Abandoned cart 30min',
    flow_version: 1,
    contact_id: contactId,
    node_id: 'ask',
    channel: '',
    text: 'Your cart is waiting. Finish your order?',
    choices: [],
    wait_id: 1,
    ...change,
  };
}
