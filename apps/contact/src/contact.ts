import { DomainError, invalidFields } from '@parley/errors';
import { checkJsonObject, CONTEXT_LIMITS, parseJson } from '@parley/json-limits';
import { parsePhone } from '@parley/phone';
import type { EntityManager, FindOptionsWhere } from 'typeorm';
import { ContactEntity } from './contact.entity.ts';
import type { ContactFields } from './contact.requests.ts';

const MAX_TAGS = 100;

/** The phone in E.164. Fails with INVALID_FIELD. */
export function requirePhone(input: string): string {
  const phone = parsePhone(input);
  if (phone === undefined)
    throw invalidFields([{ field: 'phone', description: 'must be a valid international phone number' }]);
  return phone;
}

/** Sets the fields given. Fails with INVALID_FIELD where the result would pass a limit. */
export function applyFields(contact: ContactEntity, fields: ContactFields): void {
  if (fields.name !== undefined) contact.name = fields.name;
  if (fields.email !== undefined) contact.email = fields.email;
  if (fields.locale !== undefined) contact.locale = fields.locale;
  if (fields.metadata !== undefined) mergeMetadata(contact, fields.metadata);
  if (fields.tags) contact.tags = fields.tags.tags;
  retag(contact, fields.addTags, fields.removeTags);
}

/** Records an opt-in or an opt-out. Repeating the present consent keeps its time. */
export function setConsent(contact: ContactEntity, optedIn: boolean, now: Date): void {
  if (optedIn && (contact.optedOutAt !== null || contact.optedInAt === null)) {
    contact.optedInAt = now;
    contact.optedOutAt = null;
  }
  if (!optedIn) contact.optedOutAt ??= now;
}

/** A contact that nobody else changes until the transaction ends; null where there is none. */
export function findLocked(
  tx: EntityManager,
  where: FindOptionsWhere<ContactEntity>,
): Promise<ContactEntity | null> {
  return tx.findOne(ContactEntity, { where, lock: { mode: 'pessimistic_write' } });
}

export function contactNotFound(): DomainError {
  return new DomainError('not_found', 'CONTACT_NOT_FOUND', 'Contact not found');
}

/** Shallow: a key of the patch replaces the same key. Entries are copied as own properties, whatever their names. */
function mergeMetadata(contact: ContactEntity, patch: string): void {
  const entries = [contact.metadata, patch].flatMap((text) => Object.entries(parseJson(text) as object));
  const checked = checkJsonObject(Object.fromEntries(entries), CONTEXT_LIMITS);
  if ('problem' in checked) throw invalidFields([{ field: 'fields.metadata', description: checked.problem }]);
  contact.metadata = checked.text;
}

function retag(contact: ContactEntity, add: string[], remove: string[]): void {
  const tags = new Set([...contact.tags, ...add]).difference(new Set(remove));
  if (tags.size > MAX_TAGS) {
    const field = add.length > 0 ? 'fields.add_tags' : 'fields.tags';
    throw invalidFields([{ field, description: `must not be more than ${MAX_TAGS}` }]);
  }
  contact.tags = [...tags].sort();
}
