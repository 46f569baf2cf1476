import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Consent } from '@parley/contracts/contact';
import { DomainError, unavailable } from '@parley/errors';
import { decodePageToken, splitPage, UUID_KEY } from '@parley/grpc';
import { parsePhonePart } from '@parley/phone';
import { Database, isUniqueViolation, sql } from '@parley/postgres';
import type { EntityManager, FindOptionsWhere } from 'typeorm';
import { applyFields, contactNotFound, findLocked, requirePhone, setConsent } from './contact.ts';
import { ContactEntity } from './contact.entity.ts';
import type {
  GetContact,
  SearchContacts,
  SetConsent,
  UpdateContact,
  UpsertContact,
} from './contact.requests.ts';

/** As the index contacts_email has it, which knows only contacts with one. */
const BY_EMAIL = `lower(c.email) = lower(:email) AND c.email <> ''`;
/** Of an upsert, to find or to make a contact whose phone others change meanwhile. */
const MAX_ATTEMPTS = 5;

/** Reads and changes single contacts; ContactResolver serves triggers. */
@Injectable()
export class ContactService {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async get({ tenantId, id, phone, email }: GetContact): Promise<ContactEntity> {
    const contact = await this.database.read((manager) => {
      const contacts = manager.getRepository(ContactEntity);
      if (id !== undefined) return contacts.findOneBy({ tenantId, id });
      if (phone !== undefined) return contacts.findOneBy({ tenantId, phone: requirePhone(phone) });
      return contacts
        .createQueryBuilder('c')
        .where(`c.tenantId = :tenantId AND ${BY_EMAIL}`, { tenantId, email })
        .orderBy('c.id')
        .getOne();
    });
    if (!contact) throw contactNotFound();
    return contact;
  }

  async upsert(request: UpsertContact): Promise<{ contact: ContactEntity; created: boolean }> {
    const { tenantId } = request;
    const phone = requirePhone(request.phone);
    return this.database.transaction(async (tx) => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const inserted = await sql(
          tx,
          `INSERT INTO contacts (tenant_id, id, phone, source, opted_in_at) VALUES ($1, $2, $3, $4, now())
           ON CONFLICT (tenant_id, phone) DO NOTHING RETURNING 1`,
          [tenantId, randomUUIDv7(), phone, request.source || 'api'],
        );
        const contact = await findLocked(tx, { tenantId, phone });
        // Whoever had the phone when it was inserted has given it away until the row was locked.
        if (!contact) continue;
        applyFields(contact, request.fields);
        return { contact: await tx.save(contact), created: inserted.length === 1 };
      }
      throw unavailable('The phone goes from hand to hand');
    });
  }

  async update(request: UpdateContact): Promise<ContactEntity> {
    const phone = request.phone === undefined ? undefined : requirePhone(request.phone);
    try {
      return await this.database.transaction(async (tx) => {
        const contact = await lock(tx, { tenantId: request.tenantId, id: request.id });
        if (phone !== undefined) contact.phone = phone;
        applyFields(contact, request.fields);
        return tx.save(contact);
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new DomainError('already_exists', 'PHONE_TAKEN', 'Another contact has this phone');
    }
  }

  async setConsent({ tenantId, id, consent }: SetConsent): Promise<ContactEntity> {
    return this.database.transaction(async (tx) => {
      const contact = await lock(tx, { tenantId, id });
      const [clock] = await sql<{ now: Date }>(tx, 'SELECT clock_timestamp() AS now');
      setConsent(contact, consent === Consent.OPTED_IN, clock!.now);
      return tx.save(contact);
    });
  }

  async search(request: SearchContacts): Promise<{ page: ContactEntity[]; next: string }> {
    const after = decodePageToken(request.pageToken, UUID_KEY);
    const contacts = await this.database.read((manager) => {
      const query = manager.getRepository(ContactEntity).createQueryBuilder('c');
      query.where('c.tenantId = :tenantId', { tenantId: request.tenantId });
      if (after !== undefined) query.andWhere('c.id < :after', { after });
      if (request.tag !== '') {
        const { tag } = request;
        query.innerJoin(
          'contact_tags',
          't',
          't.tenant_id = c.tenantId AND t.tag = :tag AND t.contact_id = c.id',
          { tag },
        );
        // Said of both: Postgres concludes from one to the other what is equal, and not what is less.
        if (after !== undefined) query.andWhere('t.contact_id < :after');
      }
      if (request.email !== '') query.andWhere(BY_EMAIL, { email: request.email });
      if (request.query !== '') {
        query.andWhere('(c.name ILIKE :like OR c.email ILIKE :like OR c.phone LIKE :phone)', {
          like: containing(request.query),
          phone: containing(parsePhonePart(request.query) ?? request.query),
        });
      }
      return query
        .orderBy('c.id', 'DESC')
        .limit(request.pageSize + 1)
        .getMany();
    });
    return splitPage(contacts, request.pageSize, (contact) => contact.id);
  }
}

/** A pattern of LIKE. */
function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

async function lock(tx: EntityManager, where: FindOptionsWhere<ContactEntity>): Promise<ContactEntity> {
  const contact = await findLocked(tx, where);
  if (!contact) throw contactNotFound();
  return contact;
}
