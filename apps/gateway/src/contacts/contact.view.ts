import type { Contact } from '@parley/contracts/contact';
import { parseJson } from '@parley/json-limits';
import { toOptionalTimestamp, toTimestamp } from '../fields.ts';

/** A contact as every route gives it. What is not known is null. */
export function toContactView(contact: Contact): Record<string, unknown> {
  return {
    id: contact.id,
    phone: contact.phone,
    name: contact.name || null,
    email: contact.email || null,
    locale: contact.locale || null,
    tags: contact.tags,
    metadata: parseJson(contact.metadata),
    source: contact.source,
    opted_in_at: toOptionalTimestamp(contact.optedInAt),
    opted_out_at: toOptionalTimestamp(contact.optedOutAt),
    created_at: toTimestamp(contact.createdAt!),
    updated_at: toTimestamp(contact.updatedAt!),
  };
}
