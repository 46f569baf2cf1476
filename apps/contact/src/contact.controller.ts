import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type {
  BatchResolveContactsResponse,
  Contact,
  GetContactResponse,
  ResolveContactOutcome,
  SearchContactsResponse,
  SetConsentResponse,
  UpdateContactResponse,
  UpsertContactResponse,
} from '@parley/contracts/contact';
import { DomainError } from '@parley/errors';
import { toRpcStatus } from '@parley/grpc';
import {
  batchResolveContactsRequest,
  getContactRequest,
  searchContactsRequest,
  setConsentRequest,
  updateContactRequest,
  upsertContactRequest,
  type BatchResolveContacts,
  type GetContact,
  type SearchContacts,
  type SetConsent,
  type UpdateContact,
  type UpsertContact,
} from './contact.requests.ts';
import { ContactResolver, type Resolution, type ResolvedContact } from './contact-resolver.ts';
import { ContactService } from './contact.service.ts';

@Controller()
export class ContactController {
  private readonly contacts: ContactService;
  private readonly resolver: ContactResolver;

  constructor(contacts: ContactService, resolver: ContactResolver) {
    this.contacts = contacts;
    this.resolver = resolver;
  }

  @GrpcMethod('ContactService', 'getContact')
  async getContact(@Payload({ schema: getContactRequest }) request: GetContact): Promise<GetContactResponse> {
    return { contact: toMessage(await this.contacts.get(request)) };
  }

  @GrpcMethod('ContactService', 'upsertContact')
  async upsertContact(
    @Payload({ schema: upsertContactRequest }) request: UpsertContact,
  ): Promise<UpsertContactResponse> {
    const { contact, created } = await this.contacts.upsert(request);
    return { contact: toMessage(contact), created };
  }

  @GrpcMethod('ContactService', 'updateContact')
  async updateContact(
    @Payload({ schema: updateContactRequest }) request: UpdateContact,
  ): Promise<UpdateContactResponse> {
    return { contact: toMessage(await this.contacts.update(request)) };
  }

  @GrpcMethod('ContactService', 'searchContacts')
  async searchContacts(
    @Payload({ schema: searchContactsRequest }) request: SearchContacts,
  ): Promise<SearchContactsResponse> {
    const { page, next } = await this.contacts.search(request);
    return { contacts: page.map(toMessage), nextPageToken: next };
  }

  @GrpcMethod('ContactService', 'setConsent')
  async setConsent(@Payload({ schema: setConsentRequest }) request: SetConsent): Promise<SetConsentResponse> {
    return { contact: toMessage(await this.contacts.setConsent(request)) };
  }

  @GrpcMethod('ContactService', 'batchResolveContacts')
  async batchResolveContacts(
    @Payload({ schema: batchResolveContactsRequest }) batch: BatchResolveContacts,
  ): Promise<BatchResolveContactsResponse> {
    const resolutions = await this.resolver.resolve(batch.requests, batch.view);
    return { outcomes: resolutions.map(toOutcome) };
  }
}

function toOutcome(resolution: Resolution): ResolveContactOutcome {
  if (resolution instanceof DomainError) {
    return { outcome: { $case: 'error', value: toRpcStatus(resolution, 'parley.contact.v1') } };
  }
  const { contact, created } = resolution;
  return { outcome: { $case: 'resolved', value: { contact: toMessage(contact), created } } };
}

function toMessage(contact: ResolvedContact): Contact {
  return {
    ...contact,
    createdAt: contact.createdAt,
    updatedAt: contact.updatedAt,
    optedInAt: contact.optedInAt ?? undefined,
    optedOutAt: contact.optedOutAt ?? undefined,
  };
}
