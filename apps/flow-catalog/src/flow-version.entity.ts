import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of flow_versions. Never changed once written. */
@Entity('flow_versions')
export class FlowVersionEntity {
  @PrimaryColumn('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('uuid', { name: 'flow_id' })
  flowId!: string;

  @PrimaryColumn('integer')
  version!: number;

  /** The flow's name when it was published. */
  @Column('text')
  name!: string;

  /** JSON text. */
  @Column('text')
  definition!: string;

  @Column('integer', { name: 'session_ttl_minutes' })
  sessionTtlMinutes!: number;

  /** The channel it is made for; empty for any. */
  @Column('text')
  channel!: string;

  /** Empty when the graph has none. */
  @Column('text', { name: 'entry_node_id' })
  entryNodeId!: string;

  /** Whether it reads {{contact.…}}. */
  @Column('boolean', { name: 'reads_contact' })
  readsContact!: boolean;

  @Column('timestamptz', { name: 'published_at' })
  publishedAt!: Date;
}
