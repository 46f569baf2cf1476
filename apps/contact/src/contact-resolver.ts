import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DomainError, invalidFields, unavailable } from '@parley/errors';
import { checkItem } from '@parley/grpc';
import { parsePhone } from '@parley/phone';
import { Database } from '@parley/postgres';
import { contactNotFound } from './contact.ts';
import type { ContactEntity } from './contact.entity.ts';
import { resolveContactRequest, type ResolveContact } from './contact.requests.ts';

/** How much of a contact is read: all of it, or who it is. */
export type View = 'full' | 'basic';

/** A contact that would be created, where the item only validates, has no id and no times. */
export type Resolution = { contact: ResolvedContact; created: boolean } | DomainError;

/** One phone of one tenant to find or create. */
interface PhoneKey {
  tenantId: string;
  phone: string;
  source: string;
}

export type ResolvedContact = Omit<ContactEntity, 'createdAt' | 'updatedAt'> & Partial<ContactEntity>;

type BasicContact = Pick<ContactEntity, 'tenantId' | 'id' | 'phone' | 'optedOutAt'>;

/** The fields that the basic view leaves out. */
const BLANK = {
  name: '',
  email: '',
  locale: '',
  tags: [],
  metadata: '',
  source: '',
  optedInAt: null,
  optedOutAt: null,
};

const BASIC = 'tenant_id AS "tenantId", id, phone, opted_out_at AS "optedOutAt"';
/** A row as a ContactEntity. */
const FULL = `${BASIC}, name, email, locale, tags, metadata, source, opted_in_at AS "optedInAt",
  created_at AS "createdAt", updated_at AS "updatedAt"`;
const COLUMNS: Record<View, string> = { full: FULL, basic: BASIC };

/**
 * The contact of an item's phone. A look into the index for each item, whatever the planner thinks of the table: joined, it
 * may read all contacts.
 */
const byPhoneOf = (columns: string): string =>
  `SELECT ${columns} FROM contacts c WHERE c.tenant_id = item.tenant_id AND c.phone = item.phone LIMIT 1`;

/** Finds and creates contacts for triggers, many at once with a constant number of statements. */
@Injectable()
export class ContactResolver {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** One resolution per request, in order. */
  async resolve(requests: unknown[], view: View): Promise<Resolution[]> {
    const items = requests.map(check);
    const valid = items.filter((item): item is ResolveContact => !(item instanceof DomainError));
    const [byId, { contacts: byPhone, created }] = await Promise.all([
      this.findByIds(
        valid.filter((item) => item.id !== ''),
        COLUMNS[view],
      ),
      this.findOrCreate(
        valid.filter((item) => item.id === ''),
        COLUMNS[view],
      ),
    ]);
    return items.map((item) => {
      if (item instanceof DomainError) return item;
      const contact =
        item.id === '' ? byPhone.get(key(item.tenantId, item.phone)) : byId.get(key(item.tenantId, item.id));
      if (contact) {
        // Only the first item of a phone created it.
        const refusal = refusalOf(item, contact);
        if (refusal) return refusal;
        return { contact: show(contact, view), created: !item.validateOnly && created.delete(contact.id) };
      }
      if (item.id !== '') return contactNotFound();
      if (item.validateOnly) return { contact: unknownContact(item, view), created: true };
      // Another caller gave the phone away between the statements.
      return unavailable('The contact of this phone changed meanwhile');
    });
  }

  private async findByIds(items: ResolveContact[], columns: string): Promise<Map<string, BasicContact>> {
    if (items.length === 0) return new Map();
    const contacts = await this.database.query<BasicContact>(
      `SELECT found.* FROM unnest($1::uuid[], $2::uuid[]) AS item (tenant_id, id), LATERAL (
         SELECT ${columns} FROM contacts c WHERE c.tenant_id = item.tenant_id AND c.id = item.id LIMIT 1) AS found`,
      [items.map((item) => item.tenantId), items.map((item) => item.id)],
    );
    return new Map(contacts.map((contact) => [key(contact.tenantId, contact.id), contact]));
  }

  /** Items that only validate create nothing. */
  private async findOrCreate(
    items: ResolveContact[],
    columns: string,
  ): Promise<{ contacts: Map<string, BasicContact>; created: Set<string> }> {
    const trials = items.filter((item) => item.validateOnly);
    const [made, found] = await Promise.all([
      this.create(
        items.filter((item) => !item.validateOnly),
        columns,
      ),
      this.findByPhones(trials, columns),
    ]);
    const contacts = new Map([...found, ...made.map((row) => [key(row.tenantId, row.phone), row] as const)]);
    // What could neither be found nor created, another caller created meanwhile.
    const raced = items.filter((item) => !item.validateOnly && !contacts.has(key(item.tenantId, item.phone)));
    for (const [phone, contact] of await this.findByPhones(raced, columns)) contacts.set(phone, contact);
    return { contacts, created: new Set(made.filter((row) => row.created).map((row) => row.id)) };
  }

  private async findByPhones(items: PhoneKey[], columns: string): Promise<Map<string, BasicContact>> {
    if (items.length === 0) return new Map();
    const contacts = await this.database.query<BasicContact>(
      `SELECT found.* FROM unnest($1::uuid[], $2::text[]) AS item (tenant_id, phone), LATERAL (${byPhoneOf(columns)}) AS found`,
      [items.map((item) => item.tenantId), items.map((item) => item.phone)],
    );
    return new Map(contacts.map((contact) => [key(contact.tenantId, contact.phone), contact]));
  }

  /** Finds contacts, and creates those that are not there. Of several items with the same phone the first counts. */
  private async create(items: PhoneKey[], columns: string): Promise<(BasicContact & { created: boolean })[]> {
    if (items.length === 0) return [];
    const byKey = new Map(items.toReversed().map((item) => [key(item.tenantId, item.phone), item]));
    // Always in the same order, so that two batches with the same phones never wait for each other in a circle.
    const sorted = [...byKey.keys()].sort().map((phone) => byKey.get(phone)!);
    return this.database.query<BasicContact & { created: boolean }>(
      `WITH item AS (
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS item (tenant_id, id, phone, source)),
       found AS (
         SELECT known.* FROM item, LATERAL (${byPhoneOf(columns)}) AS known),
       made AS (
         INSERT INTO contacts (tenant_id, id, phone, source, opted_in_at)
         SELECT tenant_id, id, phone, source, now() FROM item
         WHERE NOT EXISTS (SELECT FROM found WHERE "tenantId" = item.tenant_id AND found.phone = item.phone)
         ON CONFLICT (tenant_id, phone) DO NOTHING RETURNING ${columns})
       SELECT *, false AS created FROM found UNION ALL SELECT *, true FROM made`,
      [
        sorted.map((item) => item.tenantId),
        sorted.map(() => randomUUIDv7()),
        sorted.map((item) => item.phone),
        sorted.map((item) => item.source || 'api'),
      ],
    );
  }
}

function check(request: unknown): ResolveContact | DomainError {
  const item = checkItem(resolveContactRequest, request);
  if (item instanceof DomainError || item.phone === '') return item;
  const phone = parsePhone(item.phone);
  if (phone === undefined) {
    return invalidFields([{ field: 'phone', description: 'must be a valid international phone number' }]);
  }
  return { ...item, phone };
}

/** Why an item may not have this contact, if so. */
function refusalOf(item: ResolveContact, contact: BasicContact): DomainError | undefined {
  if (item.phone !== '' && item.phone !== contact.phone) {
    const fields = [{ field: 'id', description: 'id and phone name different contacts' }];
    return new DomainError('invalid_argument', 'CONTACT_MISMATCH', 'id and phone name different contacts', {
      fields,
    });
  }
  if (item.refuseOptedOut && contact.optedOutAt !== null) {
    return new DomainError('failed_precondition', 'CONTACT_OPTED_OUT', 'Contact has opted out');
  }
  return undefined;
}

function show(contact: BasicContact, view: View): ResolvedContact {
  // With the full view all of it was read.
  if (view === 'full') return contact as ContactEntity;
  const { tenantId, id, phone } = contact;
  return { ...BLANK, tenantId, id, phone };
}

/** One that would be created. */
function unknownContact({ tenantId, phone }: ResolveContact, view: View): ResolvedContact {
  return { ...BLANK, ...(view === 'full' && { metadata: '{}' }), tenantId, id: '', phone };
}

function key(tenantId: string, value: string): string {
  return `${tenantId} ${value}`;
}
