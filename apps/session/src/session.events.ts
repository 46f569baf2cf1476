import { randomUUIDv7 } from 'node:crypto';
import type { OutgoingEvent } from '@parley/events';

/** What every event of a session tells. Proto: session_events.proto. */
export interface SessionFacts {
  tenantId: string;
  id: string;
  flowId: string;
  flowName: string;
  flowVersion: number;
  contactId: string;
  /** Of this event within the session. */
  sequence: number;
  createdAt: Date;
  expiresAt: Date;
}

/** A session that ended, and when: endedAt by the rules, endedNow by the clock. */
export interface EndedSession extends SessionFacts {
  endedAt: Date;
  /** When the end was committed; an expiry may be swept later than it was due. */
  endedNow: Date;
}

export function sessionStarted(session: SessionFacts): OutgoingEvent {
  return event('session.started', session, session.createdAt, data(session, 'running'));
}

export function sessionExpired(session: EndedSession): OutgoingEvent {
  return ended('session.expired', 'expired', session);
}

export function sessionCancelled(session: EndedSession): OutgoingEvent {
  return ended('session.cancelled', 'cancelled', session);
}

function ended(type: string, status: string, session: EndedSession): OutgoingEvent {
  return event(type, session, session.endedNow, { ...data(session, status), ended_at: session.endedAt });
}

function event(
  type: string,
  session: SessionFacts,
  time: Date,
  body: Record<string, unknown>,
): OutgoingEvent {
  const { tenantId, id, sequence } = session;
  return { id: randomUUIDv7(), tenantId, type, subject: id, sequence, time, data: body };
}

function data(session: SessionFacts, status: string): Record<string, unknown> {
  return {
    session_id: session.id,
    flow_id: session.flowId,
    flow_name: session.flowName,
    flow_version: session.flowVersion,
    contact_id: session.contactId,
    status,
    started_at: session.createdAt,
    expires_at: session.expiresAt,
  };
}
