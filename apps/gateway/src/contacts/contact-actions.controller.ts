import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ContactServiceClient, type ContactFields } from '@parley/contracts/contact';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import {
  createContactBody,
  getContactBody,
  searchContactsBody,
  tagBody,
  toContactFields,
  updateContactBody,
  type CreateContactBody,
  type GetContactBody,
  type SearchContactsBody,
  type TagBody,
  type UpdateContactBody,
} from './contact.requests.ts';
import { toContactView } from './contact.view.ts';

const MAX_FOUND = 50;

@Controller('actions')
export class ContactActionsController {
  private readonly contacts: ContactServiceClient;

  constructor(contacts: ContactServiceClient) {
    this.contacts = contacts;
  }

  /** Creates the contact of a phone, or changes the fields sent of the one there is. Always 201. */
  @Post('create-contact')
  @Access('contacts:write')
  async create(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: createContactBody }) body: CreateContactBody,
  ): Promise<object> {
    const { contact } = await call(this.contacts, this.contacts.upsertContact, {
      tenantId,
      phone: body.phone,
      fields: toContactFields(body),
      source: 'api',
    });
    return toContactView(contact!);
  }

  /** Exactly one of {"contact_id"}, {"phone"}, {"email"}. */
  @Post('get-contact')
  @HttpCode(200)
  @Access('contacts:read')
  async get(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: getContactBody }) lookup: GetContactBody,
  ): Promise<object> {
    const { contact } = await call(this.contacts, this.contacts.getContact, { tenantId, lookup });
    return toContactView(contact!);
  }

  /** Changes the fields sent: "" clears name and email, tags replace, metadata merges. */
  @Post('update-contact')
  @HttpCode(200)
  @Access('contacts:write')
  async update(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: updateContactBody }) body: UpdateContactBody,
  ): Promise<object> {
    return this.change(tenantId, body.contact_id, toContactFields(body), body.phone);
  }

  /** At most 50 that match all of {"query", "tag", "email"}, newest first. */
  @Post('search-contacts')
  @HttpCode(200)
  @Access('contacts:read')
  async search(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: searchContactsBody }) body: SearchContactsBody,
  ): Promise<object[]> {
    const { contacts } = await call(this.contacts, this.contacts.searchContacts, {
      tenantId,
      ...body,
      pageSize: MAX_FOUND,
      pageToken: '',
    });
    return contacts.map(toContactView);
  }

  @Post('add-tag')
  @HttpCode(200)
  @Access('contacts:write')
  async addTag(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: tagBody }) body: TagBody,
  ): Promise<object> {
    return this.change(tenantId, body.contact_id, { ...toContactFields({}), addTags: [body.tag] });
  }

  @Post('remove-tag')
  @HttpCode(200)
  @Access('contacts:write')
  async removeTag(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: tagBody }) body: TagBody,
  ): Promise<object> {
    return this.change(tenantId, body.contact_id, { ...toContactFields({}), removeTags: [body.tag] });
  }

  private async change(tenantId: string, id: string, fields: ContactFields, phone?: string): Promise<object> {
    const { contact } = await call(this.contacts, this.contacts.updateContact, {
      tenantId,
      id,
      fields,
      phone,
    });
    return toContactView(contact!);
  }
}
