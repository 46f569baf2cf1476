import type { Contact } from '@parley/contracts/contact';
import { SessionStatus, type Session } from '@parley/contracts/session';
import { parseJson } from '@parley/json-limits';
import { toOptionalTimestamp, toTimestamp } from '../fields.ts';

const STATUS_NAMES: Record<SessionStatus, string> = {
  [SessionStatus.RUNNING]: 'running',
  [SessionStatus.COMPLETED]: 'completed',
  [SessionStatus.EXPIRED]: 'expired',
  [SessionStatus.FAILED]: 'failed',
  [SessionStatus.CANCELLED]: 'cancelled',
  [SessionStatus.UNSPECIFIED]: 'failed',
  [SessionStatus.UNRECOGNIZED]: 'failed',
};

/** A session as /sessions gives it. */
export function toSessionView(session: Session): Record<string, unknown> {
  return {
    id: session.id,
    flow_id: session.flowId,
    flow_name: session.flowName,
    flow_version: session.flowVersion,
    contact_id: session.contactId,
    status: STATUS_NAMES[session.status],
    current_node_id: session.currentNodeId,
    context: parseJson(session.context),
    created_at: toTimestamp(session.createdAt!),
    last_interaction_at: toTimestamp(session.lastInteractionAt!),
    expires_at: toTimestamp(session.expiresAt!),
    ended_at: toOptionalTimestamp(session.endedAt),
  };
}

/** What happened to a session, oldest first, under the names of its events. */
export function toTimelineView(session: Session): Record<string, unknown>[] {
  const started = { type: 'session.started', at: toTimestamp(session.createdAt!) };
  if (!session.endedAt) return [started];
  return [started, { type: `session.${STATUS_NAMES[session.status]}`, at: toTimestamp(session.endedAt) }];
}

/** A session as the compatible new-flow-triggered list gives it: a cancelled one shows as failed. */
export function toTriggeredView(session: Session, contact: Contact | undefined): Record<string, unknown> {
  const completedAt = session.status === SessionStatus.COMPLETED ? session.endedAt : undefined;
  return {
    id: session.id,
    flow_id: session.flowId,
    flow_name: session.flowName,
    contact_id: session.contactId,
    contact_phone: contact?.phone ?? null,
    contact_name: contact?.name || null,
    contact_email: contact?.email || null,
    status: session.status === SessionStatus.CANCELLED ? 'failed' : STATUS_NAMES[session.status],
    current_node_id: session.currentNodeId,
    context: parseJson(session.context),
    last_interaction_at: toTimestamp(session.lastInteractionAt!),
    expires_at: toTimestamp(session.expiresAt!),
    completed_at: toOptionalTimestamp(completedAt),
    created_at: toTimestamp(session.createdAt!),
  };
}
