import type { Database } from '@parley/postgres';
import type { Channel, ChannelError, ChannelKind } from './channel.ts';

/** A channel as it is given out, and what it is made of. */
export type ChannelRow = Channel & {
  tenantId: string;
  status: 'active' | 'disabled';
  errorCode: string | null;
  errorMessage: string | null;
  errorAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

export const CHANNEL_COLUMNS = `tenant_id AS "tenantId", kind, status, settings, error_code AS "errorCode",
  error_message AS "errorMessage", error_at AS "errorAt", created_at AS "createdAt", updated_at AS "updatedAt"`;

export async function findChannel<Kind extends ChannelKind>(
  database: Pick<Database, 'query'>,
  tenantId: string,
  kind: Kind,
): Promise<(ChannelRow & { kind: Kind }) | undefined> {
  const [row] = await database.query<ChannelRow & { kind: Kind }>(
    `SELECT ${CHANNEL_COLUMNS} FROM channels WHERE tenant_id = $1 AND kind = $2`,
    [tenantId, kind],
  );
  return row;
}

/** Notes what is wrong with a channel, once until it is another thing. */
export async function noteError(
  database: Database,
  tenantId: string,
  kind: string,
  { code, message }: ChannelError,
): Promise<void> {
  await database.query(
    `UPDATE channels SET error_code = $3, error_message = $4, error_at = clock_timestamp()
     WHERE tenant_id = $1 AND kind = $2 AND error_code IS DISTINCT FROM $3`,
    [tenantId, kind, code, message],
  );
}

/** A message went through. */
export async function clearError(database: Database, tenantId: string, kind: string): Promise<void> {
  await database.query(
    `UPDATE channels SET error_code = NULL, error_message = NULL, error_at = NULL
     WHERE tenant_id = $1 AND kind = $2 AND status = 'active'`,
    [tenantId, kind],
  );
}

/**
 * Nothing goes by it until it is set again. Leaves alone a channel that has been set since, be it to the same.
 * setAt: its updated_at as Postgres writes it; a Date would lose the microseconds.
 */
export async function disable(
  database: Database,
  tenantId: string,
  { kind, setAt }: { kind: ChannelKind; setAt: string },
  { code, message }: ChannelError,
): Promise<void> {
  await database.query(
    `UPDATE channels SET status = 'disabled', error_code = $4, error_message = $5, error_at = clock_timestamp()
     WHERE tenant_id = $1 AND kind = $2 AND updated_at = $3::timestamptz`,
    [tenantId, kind, setAt, code, message],
  );
}
