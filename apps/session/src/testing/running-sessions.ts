import { Outbox, type OutboxRelay } from '@parley/events';
import type { Database } from '@parley/postgres';
import type { SessionApp } from './session-app.ts';

export interface RunningSessions {
  tenantId: string;
  /** What they wait for, and intervals from now: until that is over, and until they are at their end. */
  waitKind?: string;
  waits?: string;
  ends?: string;
}

/** Stores running sessions, each of another flow and contact. By default they wait for a reply for an hour and end with it. */
export async function addRunning(
  app: SessionApp,
  count: number,
  { tenantId, waitKind = 'reply', waits = '1 hour', ends = '1 hour' }: RunningSessions,
): Promise<void> {
  await app.database.query(
    `INSERT INTO sessions (tenant_id, id, flow_id, contact_id, flow_name, flow_version, current_node_id, context, memory, status,
       sequence, created_at, last_interaction_at, expires_at, wait_kind, wait_until)
     SELECT $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Many', 1, 'ask', '{}', '{}', 'running',
            1, now(), now(), now() + $2::interval, $3, now() + $4::interval FROM generate_series(1, $5::int)`,
    [tenantId, ends, waitKind, waits, count],
  );
}

/** An outbox whose events stay in the table. */
export function silentOutbox(database: Database): Outbox {
  const relay = { accepts: () => false, publishSoon: () => undefined };
  return new Outbox(database, relay as unknown as OutboxRelay);
}
