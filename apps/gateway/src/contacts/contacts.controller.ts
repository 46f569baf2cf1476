import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Consent, ContactServiceClient } from '@parley/contracts/contact';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { idInPath } from '../fields.ts';
import { listContactsQuery, type ListContactsQuery } from './contact.requests.ts';
import { toContactView } from './contact.view.ts';

@Controller('contacts')
export class ContactsController {
  private readonly contacts: ContactServiceClient;

  constructor(contacts: ContactServiceClient) {
    this.contacts = contacts;
  }

  @Get()
  @Access('contacts:read')
  async list(
    @CurrentCaller() { tenantId }: Caller,
    @Query({ schema: listContactsQuery }) { limit, after, ...filters }: ListContactsQuery,
  ): Promise<object> {
    const { contacts, nextPageToken } = await call(this.contacts, this.contacts.searchContacts, {
      tenantId,
      ...filters,
      pageSize: limit,
      pageToken: after,
    });
    return { data: contacts.map(toContactView), next: nextPageToken || null };
  }

  @Get(':id')
  @Access('contacts:read')
  async get(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    const lookup = { $case: 'id' as const, value: idInPath(id, 'CONTACT_NOT_FOUND') };
    const { contact } = await call(this.contacts, this.contacts.getContact, { tenantId, lookup });
    return toContactView(contact!);
  }

  @Post(':id/opt-in')
  @HttpCode(200)
  @Access('contacts:write')
  async optIn(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    return this.setConsent(tenantId, id, Consent.OPTED_IN);
  }

  /** From then on triggers refuse the contact. */
  @Post(':id/opt-out')
  @HttpCode(200)
  @Access('contacts:write')
  async optOut(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    return this.setConsent(tenantId, id, Consent.OPTED_OUT);
  }

  private async setConsent(tenantId: string, id: string, consent: Consent): Promise<object> {
    const { contact } = await call(this.contacts, this.contacts.setConsent, {
      tenantId,
      id: idInPath(id, 'CONTACT_NOT_FOUND'),
      consent,
    });
    return toContactView(contact!);
  }
}
