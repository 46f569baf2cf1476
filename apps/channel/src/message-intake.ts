import { randomUUIDv7 } from 'node:crypto';
import { Batcher } from '@parley/batching';
import type { ReceivedEvent } from '@parley/events';
import type { Database } from '@parley/postgres';
import { z } from 'zod';
import { messageRequested, type MessageRequested } from './message-requested.ts';

/** Of one statement. */
const MAX_ITEMS = 256;
const MAX_BYTES = 1024 * 1024;
/** Longer than a statement takes to give up. */
const LIMIT_MS = 5_000;

/** What a statement for many would fail for as a whole. */
const envelope = z.object({ tenantId: z.uuid(), sequence: z.int32() });

interface Requested {
  tenantId: string;
  sequence: number;
  message: MessageRequested;
  text: string;
}

/**
 * Writes down that messages are to be sent: each once for each effect_id, however often it is asked for. A message goes by
 * the channel the event names, else by the tenant's webhook, else by its WhatsApp (the order of their names). A tenant
 * without a channel gets no row: whoever reads the events themselves delivers. Events that come together are written together.
 */
export class MessageIntake {
  private readonly database: Database;
  private readonly batcher: Batcher<Requested, boolean>;

  constructor(database: Database) {
    this.database = database;
    this.batcher = new Batcher({
      name: 'message-intake',
      maxItems: MAX_ITEMS,
      maxBytes: MAX_BYTES,
      sizeOf: ({ text }) => text.length,
      // One after another, so that a session's messages are written in the order they come.
      maxInFlight: 1,
      maxWaiting: 1_000,
      run: (items) => this.write(items),
    });
  }

  /** Gives whether there is something new to send. Fails for what is no message.requested. */
  async take(event: ReceivedEvent): Promise<boolean> {
    const message = messageRequested.parse(event.data);
    const { tenantId, sequence } = envelope.parse(event);
    const item = { tenantId, sequence, message, text: JSON.stringify(message) };
    return this.batcher.submit(item, Date.now() + LIMIT_MS);
  }

  private async write(items: Requested[]): Promise<boolean[]> {
    const rows = await this.database.query<{ tenant_id: string; effect_id: string }>(
      `INSERT INTO deliveries (tenant_id, id, effect_id, session_id, session_sequence, contact_id, channel, message,
         requested_at, status, due_at, created_at, updated_at)
       SELECT e.tenant_id, e.id, e.effect_id, e.session_id, e.sequence, e.contact_id, chosen.kind, e.message,
              clock.now, 'pending', clock.now, clock.now, clock.now
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::int[], $6::uuid[], $7::text[], $8::json[])
              AS e (tenant_id, id, effect_id, session_id, sequence, contact_id, channel, message),
            (SELECT clock_timestamp() AS now) AS clock,
            LATERAL (SELECT coalesce(nullif(e.channel, ''), (
              SELECT kind FROM channels c WHERE c.tenant_id = e.tenant_id ORDER BY kind LIMIT 1)) AS kind) AS chosen
       WHERE chosen.kind IS NOT NULL
       ON CONFLICT (tenant_id, effect_id) DO NOTHING RETURNING tenant_id, effect_id`,
      [
        items.map(({ tenantId }) => tenantId),
        items.map(() => randomUUIDv7()),
        items.map(({ message }) => message.effect_id),
        items.map(({ message }) => message.session_id),
        items.map(({ sequence }) => sequence),
        items.map(({ message }) => message.contact_id),
        items.map(({ message }) => message.channel),
        items.map(({ text }) => text),
      ],
    );
    const made = new Set(rows.map((row) => `${row.tenant_id} ${row.effect_id}`));
    return items.map(({ tenantId, message }) => made.has(`${tenantId} ${message.effect_id}`));
  }
}
