import { eventually, type TestDatabase } from '@parley/testing';

/** Pairs of one contact and flow of which one began before the other had ended. */
const OVERLAPS = `
  SELECT a.id AS first, a.status, a.created_at, a.ended_at, b.id AS second, b.created_at AS second_created_at
  FROM sessions a JOIN sessions b USING (tenant_id, flow_id, contact_id)
  WHERE a.id <> b.id AND (a.created_at, a.id) < (b.created_at, b.id) AND coalesce(a.ended_at, 'infinity') > b.created_at`;

/** Sessions whose events are not their start and their one end, numbered from 1. */
const WRONG_EVENTS = `
  SELECT s.id, s.status, e.types, e.sequences FROM sessions s
  LEFT JOIN LATERAL (
    SELECT array_agg(type ORDER BY sequence) AS types, array_agg(sequence ORDER BY sequence) AS sequences
    FROM outbox_events WHERE tenant_id = s.tenant_id AND subject = s.id::text) AS e ON true
  WHERE e.types IS DISTINCT FROM
      CASE WHEN s.status = 'running' THEN ARRAY['session.started'] ELSE ARRAY['session.started', 'session.' || s.status] END
    OR e.sequences IS DISTINCT FROM CASE WHEN s.status = 'running' THEN ARRAY[1] ELSE ARRAY[1, 2] END`;

const ORPHANS = `SELECT id, type FROM outbox_events WHERE subject NOT IN (SELECT id::text FROM sessions)`;

/**
 * What holds whatever happened: no two sessions of one contact and flow at a time (I1); each session's events are its
 * start and at most one end, numbered from 1, and there is none without a session (I4, I5). Gives what breaks it.
 */
export async function unsound(database: TestDatabase): Promise<Record<string, unknown[]>> {
  const [overlaps, wrongEvents, orphans] = await Promise.all(
    [OVERLAPS, WRONG_EVENTS, ORPHANS].map((statement) => database.query(statement)),
  );
  return { overlaps: overlaps!, wrongEvents: wrongEvents!, orphans: orphans! };
}

/** As unsound gives it when nothing is wrong. */
export const SOUND = { overlaps: [], wrongEvents: [], orphans: [] };

/** Waits until every event is marked as published. */
export async function drained(database: TestDatabase, withinMs?: number): Promise<void> {
  await eventually(async () => {
    const [row] = await database.query<{ waiting: number }>(
      'SELECT count(*)::int AS waiting FROM outbox WHERE published_at IS NULL',
    );
    if (row!.waiting > 0) throw new Error(`${row!.waiting} events wait`);
  }, withinMs);
}
