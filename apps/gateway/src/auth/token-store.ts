import { Database, isUniqueViolation, sql } from '@parley/postgres';
import { v7 as uuidv7 } from 'uuid';
import { hashToken, newToken } from './api-token.ts';
import type { Caller } from './caller.ts';

export interface NewToken {
  /** Made when it does not exist. */
  tenant: string;
  name: string;
  scopes: string[];
  rateLimit: number;
}

export interface TokenRow {
  id: string;
  tenant_id: string;
  tenant: string;
  name: string;
  scopes: string[];
  rate_limit: number;
  created_at: Date;
  revoked_at: Date | null;
}

const COLUMNS = `t.id, t.tenant_id, n.name AS tenant, t.name, t.scopes, t.rate_limit, t.created_at, t.revoked_at`;

/** API tokens and the tenants they stand for. */
export class TokenStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** Gives the token itself, this once. Fails when the tenant has a valid token of that name. */
  async create({ tenant, name, scopes, rateLimit }: NewToken): Promise<TokenRow & { token: string }> {
    const token = newToken();
    try {
      return await this.database.transaction(async (tx) => {
        await sql(tx, 'INSERT INTO tenants (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING', [
          uuidv7(),
          tenant,
        ]);
        const [row] = await sql<TokenRow>(
          tx,
          `WITH t AS (
             INSERT INTO api_tokens (id, tenant_id, name, hash, scopes, rate_limit)
             SELECT $1, id, $3, $4, $5, $6 FROM tenants WHERE name = $2 RETURNING *)
           SELECT ${COLUMNS} FROM t JOIN tenants n ON n.id = t.tenant_id`,
          [uuidv7(), tenant, name, hashToken(token), scopes, rateLimit],
        );
        return { ...row!, token };
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new Error(`Tenant ${tenant} has a token named ${name} already; revoke it or take another name`, {
        cause: error,
      });
    }
  }

  /** Newest first; of all tenants unless one is named. */
  async list(tenant?: string): Promise<TokenRow[]> {
    return this.database.query(
      `SELECT ${COLUMNS} FROM api_tokens t JOIN tenants n ON n.id = t.tenant_id
       WHERE $1::text IS NULL OR n.name = $1 ORDER BY t.id DESC`,
      [tenant ?? null],
    );
  }

  /** Whether there was such a token to revoke. Every gateway refuses it within a second. */
  async revoke(id: string): Promise<boolean> {
    const rows = await this.database.query(
      'UPDATE api_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING 1',
      [id],
    );
    return rows.length === 1;
  }

  /** Who a token stands for; undefined for an unknown or revoked one. */
  async findCaller(token: string): Promise<Caller | undefined> {
    const [row] = await this.database.query<TokenRow>(
      `SELECT ${COLUMNS} FROM api_tokens t JOIN tenants n ON n.id = t.tenant_id
       WHERE t.hash = $1 AND t.revoked_at IS NULL`,
      [hashToken(token)],
    );
    return (
      row && {
        tokenId: row.id,
        name: row.name,
        tenantId: row.tenant_id,
        tenantName: row.tenant,
        scopes: row.scopes,
        rateLimit: row.rate_limit,
      }
    );
  }
}
