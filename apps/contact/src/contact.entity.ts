import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';

/** A row of contacts. Empty text means unknown. */
@Entity('contacts')
export class ContactEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('uuid')
  id!: string;

  /** E.164. */
  @Column('text')
  phone!: string;

  @Column('text')
  name!: string;

  @Column('text')
  email!: string;

  @Column('text')
  locale!: string;

  /** Sorted, without repeats. */
  @Column('text', { array: true })
  tags!: string[];

  /** JSON text. An object would not come through TypeORM unharmed if it had a key such as `__proto__` or `hasOwnProperty`. */
  @Column('text')
  metadata!: string;

  @Column('text')
  source!: string;

  @Column('timestamptz', { name: 'opted_in_at', nullable: true })
  optedInAt!: Date | null;

  @Column('timestamptz', { name: 'opted_out_at', nullable: true })
  optedOutAt!: Date | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at' })
  updatedAt!: Date;
}
