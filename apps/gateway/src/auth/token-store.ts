import { randomUUIDv7 } from 'node:crypto';
import { isUniqueViolation, type Database } from '@parley/postgres';
import { IsNull } from 'typeorm';
import { ApiTokenEntity } from './api-token.entity.ts';
import { hashToken, newToken } from './api-token.ts';
import type { Caller } from './caller.ts';
import { TenantEntity } from './tenant.entity.ts';

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

/** What a database connection needs to know for a TokenStore. */
export const TOKEN_ENTITIES = [TenantEntity, ApiTokenEntity];

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
      const created = await this.database.transaction(async (tx) => {
        // Not an upsert: that would give the tenant a new id.
        const tenants = tx.createQueryBuilder().insert().into(TenantEntity);
        await tenants.values({ id: randomUUIDv7(), name: tenant }).orIgnore().execute();
        const owner = await tx.findOneByOrFail(TenantEntity, { name: tenant });
        const values = {
          id: randomUUIDv7(),
          tenantId: owner.id,
          tenant: owner,
          name,
          hash: hashToken(token),
          scopes,
          rateLimit,
        };
        return tx.save(tx.create(ApiTokenEntity, { ...values, revokedAt: null }));
      });
      return { ...toRow(created), token };
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new Error(`Tenant ${tenant} has a token named ${name} already; revoke it or take another name`, {
        cause: error,
      });
    }
  }

  /** Newest first; of all tenants unless one is named. */
  async list(tenant?: string): Promise<TokenRow[]> {
    const tokens = await this.database.read((manager) =>
      manager.find(ApiTokenEntity, {
        relations: { tenant: true },
        where: tenant === undefined ? {} : { tenant: { name: tenant } },
        order: { id: 'DESC' },
      }),
    );
    return tokens.map(toRow);
  }

  /** Whether there was such a token to revoke. Every gateway refuses it within a second. */
  async revoke(id: string): Promise<boolean> {
    const { affected } = await this.database.read((manager) =>
      manager.update(ApiTokenEntity, { id, revokedAt: IsNull() }, { revokedAt: () => 'now()' }),
    );
    return affected === 1;
  }

  /** Who a token stands for; undefined for an unknown or revoked one. */
  async findCaller(token: string): Promise<Caller | undefined> {
    const found = await this.database.read((manager) =>
      manager.findOne(ApiTokenEntity, {
        relations: { tenant: true },
        where: { hash: hashToken(token), revokedAt: IsNull() },
      }),
    );
    if (!found) return undefined;
    const { id: tokenId, name, tenantId, tenant, scopes, rateLimit } = found;
    return { tokenId, name, tenantId, tenantName: tenant.name, scopes, rateLimit };
  }
}

/** Without the hash: it is nobody's business. */
function toRow(token: ApiTokenEntity): TokenRow {
  return {
    id: token.id,
    tenant_id: token.tenantId,
    tenant: token.tenant.name,
    name: token.name,
    scopes: token.scopes,
    rate_limit: token.rateLimit,
    created_at: token.createdAt,
    revoked_at: token.revokedAt,
  };
}
