import { Injectable } from '@nestjs/common';
import { Database, type Statements } from '@parley/postgres';
import { CHANNEL_COLUMNS, findChannel, type ChannelRow } from './channel-rows.ts';
import { channelNotFound, setWebhook, setWhatsApp, type Channel } from './channel.ts';
import type { ChannelRequest, ListChannels, SetChannel } from './channel.requests.ts';

/** Sets, reads and removes tenants' channels. */
@Injectable()
export class ChannelService {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** Gives the signing secret, too, where it was made just now; else "". */
  async set({ tenantId, settings: given }: SetChannel): Promise<{ channel: ChannelRow; madeSecret: string }> {
    return this.database.statements(async (tx) => {
      const now = await lockChannel(tx, tenantId, given.kind);
      const present = await findChannel(tx, tenantId, given.kind);
      let made = { settings: {} as Channel['settings'], madeSecret: '' };
      if (given.kind === 'webhook') {
        made = setWebhook(present?.kind === 'webhook' ? present.settings : undefined, given, now);
      } else {
        made.settings = setWhatsApp(present?.kind === 'whatsapp' ? present.settings : undefined, given);
      }
      const [channel] = await tx.query<ChannelRow>(
        `INSERT INTO channels (tenant_id, kind, status, settings) VALUES ($1, $2, 'active', $3)
         ON CONFLICT (tenant_id, kind) DO UPDATE SET status = 'active', settings = excluded.settings,
           error_code = NULL, error_message = NULL, error_at = NULL, updated_at = clock_timestamp()
         RETURNING ${CHANNEL_COLUMNS}`,
        [tenantId, given.kind, JSON.stringify(made.settings)],
      );
      return { channel: channel!, madeSecret: made.madeSecret };
    });
  }

  async get({ tenantId, kind }: ChannelRequest): Promise<ChannelRow> {
    const channel = await findChannel(this.database, tenantId, kind);
    if (!channel) throw channelNotFound();
    return channel;
  }

  list({ tenantId }: ListChannels): Promise<ChannelRow[]> {
    return this.database.query<ChannelRow>(
      `SELECT ${CHANNEL_COLUMNS} FROM channels WHERE tenant_id = $1 ORDER BY kind`,
      [tenantId],
    );
  }

  async delete({ tenantId, kind }: ChannelRequest): Promise<void> {
    const rows = await this.database.statements(async (tx) => {
      await lockChannel(tx, tenantId, kind);
      return tx.query('DELETE FROM channels WHERE tenant_id = $1 AND kind = $2 RETURNING 1', [
        tenantId,
        kind,
      ]);
    });
    if (rows.length === 0) throw channelNotFound();
  }
}

/**
 * Changes of a channel come one after the other, also where there is no row yet: one that was read before it was removed would
 * come back with the secrets it had. Gives the database's time once it is its turn.
 */
async function lockChannel(tx: Pick<Statements, 'query'>, tenantId: string, kind: string): Promise<Date> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1::text || $2, 0))', [tenantId, kind]);
  const [clock] = await tx.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return clock!.now;
}
