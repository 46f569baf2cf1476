import { randomUUIDv7 } from 'node:crypto';
import type { Addition, OutgoingEvent } from '@parley/events';

/** The events of a session. What they tell is made by the statement that changes its row. Proto: session_events.proto. */

/** As JSON has times: UTC, to the millisecond, which is as exact as our rows are. */
const json = (time: string): string => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** SQL for the data of an event of a row of sessions, as text. */
function dataOf(row: string, ...more: string[]): string {
  const fields = [
    `'session_id', ${row}.id, 'flow_id', ${row}.flow_id, 'flow_name', ${row}.flow_name`,
    `'flow_version', ${row}.flow_version, 'contact_id', ${row}.contact_id, 'status', ${row}.status`,
    `'started_at', ${json(`${row}.created_at`)}, 'expires_at', ${json(`${row}.expires_at`)}`,
    ...more,
  ];
  return `json_build_object(${fields.join(', ')})::text`;
}

/** Of a session that was just added; over the columns that STARTED_COLUMNS names. */
export const SESSION_STARTED: Addition['event'] = {
  type: 'session.started',
  tenantId: 'tenant_id',
  subject: 'id::text',
  time: 'created_at',
  data: dataOf('added'),
};
export const STARTED_COLUMNS =
  'tenant_id, id, flow_id, flow_name, flow_version, contact_id, status, created_at, expires_at';

/** A session that ended, with what its event tells. */
export interface EndedSession {
  tenantId: string;
  id: string;
  /** Of its event within the session. */
  sequence: number;
  /** By the rules. */
  endedAt: Date;
  /** By the clock, when the end was committed; an expiry may be swept later than it was due. */
  endedNow: Date;
  data: string;
}

/** What a statement that ends sessions s returns of each; now: SQL for the time by the clock. */
export const endedColumns = (now: string): string => `s.tenant_id AS "tenantId", s.id, s.sequence,
  s.ended_at AS "endedAt", ${now} AS "endedNow", ${dataOf('s', `'ended_at', ${json('s.ended_at')}`)} AS data`;

export function sessionExpired(session: EndedSession): OutgoingEvent {
  return ended('session.expired', session);
}

export function sessionCancelled(session: EndedSession): OutgoingEvent {
  return ended('session.cancelled', session);
}

function ended(type: string, { tenantId, id, sequence, endedNow, data }: EndedSession): OutgoingEvent {
  return { id: randomUUIDv7(), tenantId, type, subject: id, sequence, time: endedNow, data };
}
