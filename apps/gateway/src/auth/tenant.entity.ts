import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A row of tenants: whose flows, contacts and sessions they are. */
@Entity('tenants')
export class TenantEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** Unique. */
  @Column('text')
  name!: string;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;
}
