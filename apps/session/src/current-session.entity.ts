import type { Wait } from '@parley/flow-engine';
import { ViewColumn, ViewEntity } from 'typeorm';

export type SessionState = 'running' | 'completed' | 'expired' | 'failed' | 'cancelled';

/** A session as it stands now: one past its time is expired, whether or not it was swept (P4). */
@ViewEntity('current_sessions', { synchronize: false })
export class CurrentSession {
  @ViewColumn({ name: 'tenant_id' })
  tenantId!: string;

  @ViewColumn()
  id!: string;

  @ViewColumn({ name: 'flow_id' })
  flowId!: string;

  @ViewColumn({ name: 'flow_version' })
  flowVersion!: number;

  @ViewColumn({ name: 'flow_name' })
  flowName!: string;

  @ViewColumn({ name: 'contact_id' })
  contactId!: string;

  @ViewColumn()
  status!: SessionState;

  /** JSON text. */
  @ViewColumn()
  context!: string;

  @ViewColumn({ name: 'current_node_id' })
  currentNodeId!: string;

  @ViewColumn({ name: 'created_at' })
  createdAt!: Date;

  @ViewColumn({ name: 'last_interaction_at' })
  lastInteractionAt!: Date;

  @ViewColumn({ name: 'expires_at' })
  expiresAt!: Date;

  @ViewColumn({ name: 'ended_at' })
  endedAt!: Date | null;

  /** The wait as the engine wrote it; null once it has ended. */
  @ViewColumn()
  wait!: Wait | null;

  @ViewColumn({ name: 'wait_until' })
  waitUntil!: Date | null;

  @ViewColumn()
  outcome!: string;

  @ViewColumn()
  failure!: { code: string; node_id: string; message: string } | null;

  /** The number of the timeline entry that has no row: an end from outside. */
  @ViewColumn({ name: 'end_entry' })
  endEntry!: number | null;
}
