import { Column, CreateDateColumn, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { TenantEntity } from './tenant.entity.ts';

/** A row of api_tokens. The token itself is kept nowhere. */
@Entity('api_tokens')
export class ApiTokenEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @ManyToOne(() => TenantEntity)
  @JoinColumn({ name: 'tenant_id' })
  tenant!: TenantEntity;

  /** Unique among the tenant's valid tokens. */
  @Column('text')
  name!: string;

  /** SHA-256 of the token. */
  @Column('bytea')
  hash!: Buffer;

  @Column('text', { array: true })
  scopes!: string[];

  /** Requests a minute. */
  @Column('integer', { name: 'rate_limit' })
  rateLimit!: number;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
