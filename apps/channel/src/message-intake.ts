import { randomUUIDv7 } from 'node:crypto';
import { Batcher } from '@parley/batching';
import type { ReceivedEvent } from '@parley/events';
import type { Database } from '@parley/postgres';
import type { Logger } from '@parley/service';
import { z } from 'zod';
import { messageRequested, type MessageRequested } from './message-requested.ts';

/** Of one statement. */
const MAX_ITEMS = 256;
const MAX_BYTES = 1024 * 1024;
const DAY_MS = 86_400_000;
/** What the clocks of two databases may differ by. */
const CLOCKS_MS = 60_000;
/** Longer than a statement takes to give up. */
const LIMIT_MS = 5_000;

/** What a statement for many would fail for as a whole. */
const envelope = z.object({ tenantId: z.uuid(), sequence: z.int32() });

interface TenantChannel {
  kind: string;
  createdAt: Date;
}

interface Requested {
  tenantId: string;
  sequence: number;
  message: MessageRequested;
  channel: string;
  text: string;
}

/**
 * Writes down that messages are to be sent: each once for each effect_id, however often it is asked for. A message goes by
 * the channel the event names, else by the tenant's webhook, else by its WhatsApp (the order of their names). A tenant
 * that had no channel then gets no row: whoever reads the events themselves delivers, and has delivered what is heard again.
 * Nor does what may have been sent and forgotten. Events that come together are looked up and written together.
 */
export class MessageIntake {
  private readonly database: Database;
  private readonly retentionDays: number;
  private readonly logger: Logger;
  private readonly lookUps: Batcher<string, TenantChannel[]>;
  private readonly writes: Batcher<Requested, boolean>;

  /** retentionDays: how long messages that are done are kept. */
  constructor(database: Database, retentionDays: number, logger: Logger) {
    this.database = database;
    this.retentionDays = retentionDays;
    this.logger = logger;
    const limits = { maxItems: MAX_ITEMS, maxInFlight: 1, maxWaiting: 1_000 };
    this.lookUps = new Batcher({
      ...limits,
      name: 'message-channel',
      maxBytes: Infinity,
      sizeOf: () => 0,
      run: (tenantIds) => this.findChannels(tenantIds),
    });
    this.writes = new Batcher({
      ...limits,
      name: 'message-intake',
      maxBytes: MAX_BYTES,
      sizeOf: ({ text }) => text.length,
      run: (items) => this.write(items),
    });
  }

  /** Gives whether there is something new to send. Fails for what has a channel to go by and is no message.requested. */
  async take(event: ReceivedEvent): Promise<boolean> {
    const { tenantId, sequence } = envelope.parse(event);
    if (event.time.getTime() < Date.now() - this.retentionDays * DAY_MS) return false;
    const { channel: named } = event.data;
    const channel =
      typeof named === 'string' && named !== '' ? named : await this.channelAt(tenantId, event.time);
    if (channel === undefined) return false;
    const message = messageRequested.parse(event.data);
    const item = { tenantId, sequence, message, channel, text: JSON.stringify(message) };
    return this.writes.submit(item, Date.now() + LIMIT_MS);
  }

  /** The first channel, by their names, of those that a tenant had at a time. */
  private async channelAt(tenantId: string, time: Date): Promise<string | undefined> {
    const channels = await this.lookUps.submit(tenantId, Date.now() + LIMIT_MS);
    const latest = time.getTime() + CLOCKS_MS;
    return channels.find(({ createdAt }) => createdAt.getTime() <= latest)?.kind;
  }

  /** The channels of each tenant, by their names. */
  private async findChannels(tenantIds: string[]): Promise<TenantChannel[][]> {
    const rows = await this.database.query<TenantChannel & { tenantId: string }>(
      `SELECT c.* FROM unnest($1::uuid[]) AS t (id), LATERAL (
         SELECT tenant_id AS "tenantId", kind, created_at AS "createdAt" FROM channels WHERE tenant_id = t.id
         ORDER BY kind OFFSET 0) AS c`,
      [[...new Set(tenantIds)]],
    );
    const channels = Map.groupBy(rows, ({ tenantId }) => tenantId);
    return tenantIds.map((id) => channels.get(id) ?? []);
  }

  private async write(items: Requested[]): Promise<boolean[]> {
    const rows = await this.database.query<{ tenant_id: string; effect_id: string }>(
      `INSERT INTO deliveries (tenant_id, id, effect_id, session_id, session_sequence, contact_id, channel, message,
         requested_at, status, due_at, created_at, updated_at)
       SELECT e.*, clock.now, 'pending', clock.now, clock.now, clock.now
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::int[], $6::uuid[], $7::text[], $8::json[]) AS e,
            (SELECT clock_timestamp() AS now) AS clock
       ON CONFLICT (tenant_id, effect_id) DO NOTHING RETURNING tenant_id, effect_id`,
      [
        items.map(({ tenantId }) => tenantId),
        items.map(() => randomUUIDv7()),
        items.map(({ message }) => message.effect_id),
        items.map(({ message }) => message.session_id),
        items.map(({ sequence }) => sequence),
        items.map(({ message }) => message.contact_id),
        items.map(({ channel }) => channel),
        items.map(({ text }) => text),
      ],
    );
    const made = new Set(rows.map((row) => `${row.tenant_id} ${row.effect_id}`));
    const isMade = items.map(({ tenantId, message }) => made.has(`${tenantId} ${message.effect_id}`));
    const again = items.filter((_item, index) => !isMade[index]);
    if (again.length > 0) await this.compare(again);
    return isMade;
  }

  /** What is asked for again has to be the same. It is not where a session was set back, and goes another way: that is not sent. */
  private async compare(items: Requested[]): Promise<void> {
    const [other] = await this.database.query<{ effect_id: string }>(
      `SELECT e.effect_id FROM unnest($1::uuid[], $2::text[], $3::text[]) AS e (tenant_id, effect_id, text), LATERAL (
         SELECT message FROM deliveries WHERE tenant_id = e.tenant_id AND effect_id = e.effect_id LIMIT 1) AS d
       WHERE d.message->>'text' <> e.text LIMIT 1`,
      [
        items.map(({ tenantId }) => tenantId),
        items.map(({ message }) => message.effect_id),
        items.map(({ message }) => message.text),
      ],
    );
    if (!other) return;
    const text =
      'A message is not sent: another one had its effect_id. Was the session database restored alone?';
    this.logger.error(text, { effect_id: other.effect_id });
  }
}
