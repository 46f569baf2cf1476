import type { Outbox } from '@parley/events';
import type { Database, OldRows } from '@parley/postgres';
import type { Channel } from './channel.ts';
import { MESSAGE_SETTLED, OF_DELIVERY, TOLD_COLUMNS } from './delivery.events.ts';
import type { MessageRequested } from './message-requested.ts';
import type { Failure } from './send-outcome.ts';

/**
 * How long an attempt may take before another replica makes one: longer than a look-up of the contact (2 s) and a POST
 * (10 s) together.
 */
const LEASE_SECONDS = 30;

/** Pending messages, for a statement that goes through them by their due time: the condition of the index that is for that. */
export const PENDING_BY_DUE = `status = 'pending' AND due_at > '-infinity'`;

/**
 * Whether no message of its session goes before d. A look into the index for each: NOT EXISTS Postgres may join, and read all
 * that are pending for each.
 */
export const FIRST_OF_SESSION = `(
  SELECT earlier.id FROM deliveries earlier
  WHERE earlier.tenant_id = d.tenant_id AND earlier.session_id = d.session_id
    AND earlier.session_sequence < d.session_sequence AND earlier.status = 'pending' LIMIT 1) IS NULL`;

/** A message that is being sent, by whoever holds its lease. */
export interface LeasedDelivery {
  tenantId: string;
  id: string;
  lease: string;
  effectId: string;
  contactId: string;
  requestedAt: Date;
  /** 1 for the first attempt. */
  attempt: number;
  /** How many events told of it before: one more at each retry, when attempts count anew. */
  told: number;
  message: MessageRequested;
  /** What the message is to go by. */
  channel: string;
  /** Undefined where the tenant has no such channel. */
  route: (Channel & { disabled: boolean; hasError: boolean; setAt: string }) | undefined;
}

interface LeasedRow extends Omit<LeasedDelivery, 'route'> {
  status: 'active' | 'disabled' | null;
  settings: Channel['settings'] | null;
  hasError: boolean;
  setAt: string | null;
}

/**
 * Takes messages that are due and that no other replica has taken, the earliest first; of a session only the first that
 * has yet to be sent.
 * @param perTenant how many of one tenant this replica may have under way
 * @param underWay how many it has, by tenant
 */
export async function leaseDue(
  database: Database,
  limit: number,
  perTenant: number,
  underWay: ReadonlyMap<string, number>,
): Promise<LeasedDelivery[]> {
  const busy = [...underWay].filter(([, count]) => count >= perTenant).map(([tenantId]) => tenantId);
  const rows = await database.query<LeasedRow>(
    `WITH found AS (
       SELECT tenant_id, id, channel, due_at FROM deliveries d
       WHERE ${PENDING_BY_DUE} AND due_at <= statement_timestamp() AND tenant_id <> ALL($2::uuid[]) AND ${FIRST_OF_SESSION}
       ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED),
     numbered AS (
       SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY due_at) AS number FROM found),
     due AS (
       SELECT n.* FROM numbered n LEFT JOIN unnest($3::uuid[], $4::int[]) AS u (tenant_id, count) USING (tenant_id)
       WHERE number + coalesce(count, 0) <= $5)
     UPDATE deliveries d
     SET attempts = attempts + 1, lease = gen_random_uuid(), updated_at = clock_timestamp(),
         due_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
     FROM due LEFT JOIN channels c ON c.tenant_id = due.tenant_id AND c.kind = due.channel
     WHERE d.tenant_id = due.tenant_id AND d.id = due.id
     RETURNING d.tenant_id AS "tenantId", d.id, d.lease, d.effect_id AS "effectId", d.contact_id AS "contactId",
       d.requested_at AS "requestedAt", d.attempts AS attempt, d.told, d.message, d.channel,
       c.status, c.settings, c.error_code IS NOT NULL AS "hasError", c.updated_at::text AS "setAt"`,
    [limit, busy, [...underWay.keys()], [...underWay.values()], perTenant],
  );
  return rows.map(({ status, settings, hasError, setAt, ...row }) => ({
    ...row,
    route:
      settings === null
        ? undefined
        : ({
            kind: row.channel,
            settings,
            disabled: status === 'disabled',
            hasError,
            setAt,
          } as LeasedDelivery['route']),
  }));
}

/**
 * Each leaves alone what is no longer this attempt's: one whose lease ran out, or that the provider has told of. As it goes by
 * the key, it does not say "pending" as the indexes of pending messages do.
 */
const HELD = `d.tenant_id = $1 AND d.id = $2 AND d.lease = $3 AND d.status NOT IN ('sent', 'delivered', 'failed')`;
const held = ({ tenantId, id, lease }: LeasedDelivery): unknown[] => [tenantId, id, lease];

export async function markDelivered(outbox: Outbox, delivery: LeasedDelivery): Promise<void> {
  await outbox.change({
    statement: `UPDATE deliveries d SET status = 'delivered', lease = NULL, failure_code = NULL, failure_message = NULL,
        told = told + 1, updated_at = clock_timestamp()
      WHERE ${HELD} RETURNING ${TOLD_COLUMNS}`,
    parameters: held(delivery),
    of: OF_DELIVERY,
    event: MESSAGE_SETTLED,
  });
}

/** The provider has it; what becomes of it, it will tell. */
export async function markSent(
  database: Database,
  delivery: LeasedDelivery,
  providerMessageId: string,
): Promise<void> {
  await database.query(
    `UPDATE deliveries d SET status = 'sent', lease = NULL, failure_code = NULL, failure_message = NULL,
       provider_message_id = $4, updated_at = clock_timestamp()
     WHERE ${HELD}`,
    [...held(delivery), providerMessageId],
  );
}

export async function markFailed(
  outbox: Outbox,
  delivery: LeasedDelivery,
  { code, message }: Failure,
): Promise<void> {
  await outbox.change({
    statement: `UPDATE deliveries d SET status = 'failed', lease = NULL, failure_code = $4, failure_message = $5,
        told = told + 1, updated_at = clock_timestamp()
      WHERE ${HELD} RETURNING ${TOLD_COLUMNS}`,
    parameters: [...held(delivery), code, message],
    of: OF_DELIVERY,
    event: MESSAGE_SETTLED,
  });
}

/** Due again in that many seconds. counts: whether it was an attempt. */
export async function putBack(
  database: Database,
  delivery: LeasedDelivery,
  { code, message }: Failure,
  seconds: number,
  counts: boolean,
): Promise<void> {
  await database.query(
    `UPDATE deliveries d SET lease = NULL, failure_code = $4, failure_message = $5, updated_at = clock_timestamp(),
       due_at = clock_timestamp() + make_interval(secs => $6), attempts = attempts - CASE WHEN $7::bool THEN 0 ELSE 1 END
     WHERE ${HELD}`,
    [...held(delivery), code, message, seconds, counts],
  );
}

/** Deliveries that are done, with their texts, at the end of their time. */
export const oldDeliveries = (retentionDays: number): OldRows => ({
  table: 'deliveries',
  key: ['tenant_id', 'id'],
  condition: `status <> 'pending' AND updated_at < (SELECT clock_timestamp() - interval '${retentionDays} days')`,
});
