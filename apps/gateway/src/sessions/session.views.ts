import type { Contact } from '@parley/contracts/contact';
import {
  ReplyResult,
  SessionStatus,
  WaitKind,
  type Session,
  type SessionWait,
  type SubmitReplyResponse,
  type TimelineEntry,
} from '@parley/contracts/session';
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

const WAIT_NAMES: Record<WaitKind, string> = {
  [WaitKind.REPLY]: 'reply',
  [WaitKind.DELAY]: 'delay',
  [WaitKind.HTTP]: 'http',
  [WaitKind.UNSPECIFIED]: 'reply',
  [WaitKind.UNRECOGNIZED]: 'reply',
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
    wait: session.wait ? toWaitView(session.wait) : null,
    outcome: session.outcome || null,
    failure: session.failure
      ? {
          code: session.failure.code,
          node_id: session.failure.nodeId,
          message: session.failure.message,
        }
      : null,
  };
}

function toWaitView({ id, kind, nodeId, until }: SessionWait): Record<string, unknown> {
  return { id, for: WAIT_NAMES[kind], node_id: nodeId, until: toOptionalTimestamp(until) };
}

/** Something that happened in a session. */
export function toTimelineEntryView(entry: TimelineEntry): Record<string, unknown> {
  return {
    number: entry.number,
    at: entry.time!.toISOString(),
    type: entry.type,
    node_id: entry.nodeId || null,
    handle: entry.handle || null,
    detail: parseJson(entry.detail),
    warnings: entry.warnings,
  };
}

/** What became of a message. */
export interface ReplyView {
  result: 'accepted' | 'invalid' | 'ignored' | 'no_session';
  /** Whether the message came before, and this is what became of it then. */
  replayed: boolean;
  /** The session that took it, as it stands now. */
  session: Record<string, unknown> | null;
}

const REPLY_RESULTS: Record<ReplyResult, ReplyView['result']> = {
  [ReplyResult.ACCEPTED]: 'accepted',
  [ReplyResult.INVALID]: 'invalid',
  [ReplyResult.IGNORED]: 'ignored',
  [ReplyResult.NO_SESSION]: 'no_session',
  [ReplyResult.UNSPECIFIED]: 'ignored',
  [ReplyResult.UNRECOGNIZED]: 'ignored',
};

export function toReplyView({ result, replayed, session }: SubmitReplyResponse): ReplyView {
  return { result: REPLY_RESULTS[result], replayed, session: session ? toSessionView(session) : null };
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
