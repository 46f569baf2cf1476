import { randomUUID } from 'node:crypto';
import {
  ContactServiceClient,
  type Consent,
  type Contact,
  type ContactFields,
  type GetContactRequest,
  ContactView,
  type ResolveContactOutcome,
  type ResolveContactRequest,
  type SearchContactsRequest,
  type SearchContactsResponse,
  type UpsertContactResponse,
} from '@parley/contracts/contact';
import { EventStream } from '@parley/events';
import { call, connect, fromRpcStatus } from '@parley/grpc';
import { migrate } from '@parley/postgres';
import { Logger, readSettings, type RunningService } from '@parley/service';
import { createTestDatabase, eventually, freePort, NATS_URL, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { startContactService } from '../app.module.ts';
import { contactConfig } from '../config.ts';
import { migrations } from '../migrations/index.ts';

/** A contact service on a database of its own, with as many replicas as the test wants. */
export class ContactApp {
  readonly database: TestDatabase;
  readonly clients: ContactServiceClient[] = [];
  private readonly replicas: RunningService[] = [];
  private sequence = 0;

  private readonly sessionStream = new EventStream({
    url: process.env[NATS_URL]!,
    name: 'PARLEY_SESSION',
    subjects: ['session.>', 'message.requested'],
    source: '/parley/session',
    logger: new Logger('session', 'silent'),
  });

  private constructor(database: TestDatabase) {
    this.database = database;
  }

  /** The consumer of its own, so that it hears of no other test's events. */
  private readonly consumer = `contact-${randomUUID()}`;

  static async create(): Promise<ContactApp> {
    const app = new ContactApp(await createTestDatabase(migrations, migrate));
    await app.addReplica();
    return app;
  }

  async addReplica(): Promise<void> {
    const env = {
      DATABASE_URL: this.database.url,
      NATS_URL: process.env[NATS_URL]!,
      EVENT_CONSUMER: this.consumer,
      GRPC_PORT: String(await freePort()),
    };
    const service = await startContactService(
      readSettings(contactConfig, env),
      new Logger('contact', 'fatal'),
    );
    this.replicas.push(service);
    this.clients.push(connect(ContactServiceClient, service.address));
  }

  get client(): ContactServiceClient {
    return this.clients[0]!;
  }

  async get(tenantId: string, lookup: GetContactRequest['lookup']): Promise<Contact> {
    const response = await call(this.client, this.client.getContact, { tenantId, lookup });
    return response.contact!;
  }

  byId(tenantId: string, id: string): Promise<Contact> {
    return this.get(tenantId, { $case: 'id', value: id });
  }

  upsert(
    tenantId: string,
    phone: string,
    fields?: Partial<ContactFields>,
    source = '',
  ): Promise<UpsertContactResponse> {
    const request = { tenantId, phone, fields: fields && toFields(fields), source };
    return call(this.client, this.client.upsertContact, request);
  }

  /** Upserts and gives the contact. */
  async add(tenantId: string, phone: string, fields?: Partial<ContactFields>): Promise<Contact> {
    return (await this.upsert(tenantId, phone, fields)).contact!;
  }

  async update(
    tenantId: string,
    id: string,
    fields?: Partial<ContactFields>,
    phone?: string,
  ): Promise<Contact> {
    const request = { tenantId, id, fields: fields && toFields(fields), phone };
    return (await call(this.client, this.client.updateContact, request)).contact!;
  }

  search(tenantId: string, filter: Partial<SearchContactsRequest> = {}): Promise<SearchContactsResponse> {
    const request = { tenantId, query: '', tag: '', email: '', pageSize: 0, pageToken: '', ...filter };
    return call(this.client, this.client.searchContacts, request);
  }

  async setConsent(tenantId: string, id: string, consent: Consent): Promise<Contact> {
    return (await call(this.client, this.client.setConsent, { tenantId, id, consent })).contact!;
  }

  async resolve(
    requests: ResolveContactRequest[],
    client = this.client,
    view = ContactView.UNSPECIFIED,
  ): Promise<ResolveContactOutcome[]> {
    return (await call(client, client.batchResolveContacts, { requests, view })).outcomes;
  }

  /** Asks for tags to be changed as the session service does. sequence: of the event in its session; one after the other unless told. */
  async requestTags(
    tenantId: string,
    data: { session_id: string; [key: string]: unknown },
    sequence = ++this.sequence,
  ): Promise<void> {
    await eventually(() => {
      if (!this.sessionStream.connected) throw new Error('NATS is away');
    });
    const subject = data.session_id;
    await this.sessionStream.publish({
      ...{ id: uuidv7(), tenantId, type: 'session.tags_requested', subject, sequence },
      ...{ time: new Date(), data: JSON.stringify(data) },
    });
  }

  /** How many contacts a tenant has. */
  async count(tenantId: string): Promise<number> {
    const rows = await this.database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM contacts WHERE tenant_id = $1',
      [tenantId],
    );
    return rows[0]!.count;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.close();
    await Promise.all(this.replicas.map((replica) => replica.close()));
    this.sessionStream.close();
    await this.database.drop();
  }
}

/** An item of a batch: everything unset but what is given. */
export function item(given: Partial<ResolveContactRequest> & { tenantId: string }): ResolveContactRequest {
  return { id: '', phone: '', source: '', validateOnly: false, refuseOptedOut: false, ...given };
}

/** What became of an item, in a form that reads well in an expectation. */
export function told({ outcome }: ResolveContactOutcome): { id: string; created: boolean } | string {
  if (outcome?.$case === 'error') return fromRpcStatus(outcome.value).reason;
  return { id: outcome!.value.contact!.id, created: outcome!.value.created };
}

function toFields(given: Partial<ContactFields>): ContactFields {
  return { tags: undefined, addTags: [], removeTags: [], ...given };
}
