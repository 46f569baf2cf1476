import type { Change } from '@parley/events';

/** The events of a session, made by the statement that changes its row. Proto: session_events.proto. */

/** As JSON has times: UTC, to the millisecond, which is as exact as our rows are. */
const json = (time: string): string => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** What a statement that adds sessions s returns of each. */
export const SESSION_COLUMNS = `s.tenant_id, s.id, s.flow_id, s.flow_name, s.flow_version, s.contact_id, s.status, s.sequence, s.created_at,
  s.expires_at`;

const data = (...more: string[]): string => {
  const fields = [
    `'session_id', id, 'flow_id', flow_id, 'flow_name', flow_name, 'flow_version', flow_version`,
    `'contact_id', contact_id, 'status', status`,
    `'started_at', ${json('created_at')}, 'expires_at', ${json('expires_at')}`,
    ...more,
  ];
  return `json_build_object(${fields.join(', ')})::text`;
};

const ofSession = { tenantId: 'tenant_id', subject: 'id::text', sequence: 'sequence' };

export const SESSION_STARTED: Change['event'] = {
  ...ofSession,
  type: 'session.started',
  time: 'created_at',
  data: data(),
};

const ENDED = { ...ofSession, time: 'ended_now', data: data(`'ended_at', ${json('ended_at')}`) };
export const SESSION_EXPIRED: Change['event'] = { ...ENDED, type: 'session.expired' };
export const SESSION_CANCELLED: Change['event'] = { ...ENDED, type: 'session.cancelled' };
/** What one that ends them returns. now: SQL for the time by the clock, which is that of the event; an expiry may be swept later than it was due. */
export const endedColumns = (now: string): string => `${SESSION_COLUMNS}, s.ended_at, ${now} AS ended_now`;
