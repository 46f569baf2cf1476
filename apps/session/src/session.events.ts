import type { Change } from '@parley/events';

/** The events of a session's own changes, made by the statement that changes its row. Proto: session_events.proto. */

/** As JSON has times: UTC, to the millisecond, which is as exact as our rows are. */
const json = (time: string): string => `to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** What a statement that changes sessions s returns of each. */
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
const endedAt = `'ended_at', ${json('ended_at')}`;

const ofSession = { tenantId: 'tenant_id', subject: 'id::text' };
/** Whose events they are, and when, of a statement that returns SESSION_COLUMNS. */
export const OF_STARTED: Change['of'] = { ...ofSession, time: 'created_at' };
/** The same of one that returns endedColumns. */
export const OF_CHANGED: Change['of'] = { ...ofSession, time: 'changed_now' };

type OwnEvent = NonNullable<Change['event']>;
export const SESSION_STARTED: OwnEvent = { type: `'session.started'`, sequence: '1', data: data() };
export const SESSION_EXPIRED: OwnEvent = {
  type: `'session.expired'`,
  sequence: 'sequence',
  data: data(endedAt),
};
export const SESSION_CANCELLED: OwnEvent = {
  type: `'session.cancelled'`,
  sequence: 'sequence',
  data: data(endedAt),
};
/** session.completed or session.failed, of those among the changed that have ended. */
export const SESSION_FINISHED: OwnEvent = {
  type: `'session.' || status`,
  sequence: 'sequence',
  data: `CASE status WHEN 'failed' THEN ${data(endedAt, `'failure', failure`)} ELSE ${data(endedAt, `'outcome', outcome`)} END`,
  when: `status <> 'running'`,
};

/** What a statement that changes running sessions returns. now: SQL for the time by the clock, which is that of the event; an expiry may be swept later than it was due. */
export const endedColumns = (now: string): string =>
  `${SESSION_COLUMNS}, s.ended_at, s.outcome, s.failure, ${now} AS changed_now`;
