import { Injectable } from '@nestjs/common';
import { DomainError } from '@parley/errors';
import { decodePageToken, splitPage, UUID_KEY } from '@parley/grpc';
import { Database } from '@parley/postgres';
import type { DeliveryRequest, ListDeliveries } from './channel.requests.ts';

/** A delivery as it is given out. */
export interface DeliveryRow {
  tenantId: string;
  id: string;
  effectId: string;
  sessionId: string;
  contactId: string;
  channel: string;
  status: 'pending' | 'sent' | 'delivered' | 'failed';
  attempts: number;
  dueAt: Date;
  providerMessageId: string;
  failureCode: string | null;
  failureMessage: string | null;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = `tenant_id AS "tenantId", id, effect_id AS "effectId", session_id AS "sessionId",
  contact_id AS "contactId", channel, status, attempts, due_at AS "dueAt", provider_message_id AS "providerMessageId",
  failure_code AS "failureCode", failure_message AS "failureMessage", created_at AS "createdAt", updated_at AS "updatedAt"`;

/** Reads deliveries, and sends failed ones again. */
@Injectable()
export class DeliveryService {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async list(request: ListDeliveries): Promise<{ page: DeliveryRow[]; next: string }> {
    const after = decodePageToken(request.pageToken, UUID_KEY);
    const values: unknown[] = [request.tenantId, request.pageSize + 1];
    const where = ['tenant_id = $1'];
    // Only what is asked for is there, and the status in words: a statement is planned once for all values of its parameters, and
    // for any status Postgres would read on until it has found enough of a rare one.
    if (request.status !== undefined) where.push(`status = '${request.status}'`);
    const add = (condition: string, value: unknown): void => {
      if (value !== undefined) where.push(`${condition} $${values.push(value)}`);
    };
    add('channel =', request.channel);
    add('id <', after);
    const rows = await this.database.query<DeliveryRow>(
      `SELECT ${COLUMNS} FROM deliveries WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT $2`,
      values,
    );
    return splitPage(rows, request.pageSize, ({ id }) => id);
  }

  async retry({ tenantId, id, channel }: DeliveryRequest): Promise<DeliveryRow> {
    const asked = 'tenant_id = $1 AND id = $2 AND channel = coalesce($3, channel)';
    const values = [tenantId, id, channel ?? null];
    const [retried] = await this.database.query<DeliveryRow>(
      `UPDATE deliveries SET status = 'pending', attempts = 0, due_at = clock_timestamp(), failure_code = NULL,
         failure_message = NULL, provider_message_id = '', updated_at = clock_timestamp()
       WHERE ${asked} AND status = 'failed' RETURNING ${COLUMNS}`,
      values,
    );
    if (retried) return retried;
    const [found] = await this.database.query(`SELECT 1 FROM deliveries WHERE ${asked}`, values);
    if (!found) throw new DomainError('not_found', 'DELIVERY_NOT_FOUND', 'Delivery not found');
    throw new DomainError('failed_precondition', 'DELIVERY_NOT_FAILED', 'Delivery has not failed');
  }
}
