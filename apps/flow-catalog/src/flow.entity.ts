import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';

export type FlowState = 'draft' | 'published' | 'archived';

/** A row of flows: a flow with its draft. Changed through the verbs in flow.ts. */
@Entity('flows')
export class FlowEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text', { name: 'trigger_type' })
  triggerType!: string;

  @Column('text')
  status!: FlowState;

  /** JSON text; may be broken as a graph. */
  @Column('text', { name: 'draft_definition' })
  draftDefinition!: string;

  @Column('integer', { name: 'session_ttl_minutes' })
  sessionTtlMinutes!: number;

  /** The channel it is made for; empty for any. */
  @Column('text')
  channel!: string;

  /** The highest version there is, published now or not; 0 for none. */
  @Column('integer', { name: 'latest_version' })
  latestVersion!: number;

  /** The version that starts now. */
  @Column('integer', { name: 'published_version', nullable: true })
  publishedVersion!: number | null;

  @Column('timestamptz', { name: 'published_at', nullable: true })
  publishedAt!: Date | null;

  /** Of the flow's newest event; 0 for none. */
  @Column('integer', { name: 'event_sequence' })
  eventSequence!: number;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at' })
  updatedAt!: Date;
}
