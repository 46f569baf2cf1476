import type { ReceivedEvent } from '@parley/events';
import { DomainError } from '@parley/errors';
import { sql, type Database, type OldRows } from '@parley/postgres';
import type { Logger } from '@parley/service';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { applyFields, findLocked } from './contact.ts';
import { tagList } from './contact.requests.ts';

/** The data of session.tags_requested, as far as contacts are concerned (session_events.proto). */
const tagsRequested = z.object({
  effect_id: z.string().min(1).max(255),
  contact_id: z.uuid(),
  // What is empty may be absent in proto3's JSON.
  add: tagList.default([]),
  remove: tagList.default([]),
});

/** Changes contacts' tags as flows ask for it, once for each effect_id. */
export class TagChanges {
  private readonly database: Database;
  private readonly logger: Logger;

  constructor(database: Database, logger: Logger) {
    this.database = database;
    this.logger = logger;
  }

  /** Resolves when the change is made, was made before, or cannot be made. Fails for what is no session.tags_requested. */
  async apply(event: ReceivedEvent): Promise<void> {
    const { tenantId, subject, sequence } = event;
    const { effect_id: effectId, contact_id: id, add, remove } = tagsRequested.parse(event.data);
    await this.database.transaction(async (tx) => {
      const fresh = await sql(
        tx,
        `INSERT INTO tag_changes (tenant_id, effect_id, subject, sequence, tags, applied_at)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING 1`,
        [tenantId, effectId, subject, sequence, [...add, ...remove]],
      );
      if (fresh.length === 0) return;
      const contact = await findLocked(tx, { tenantId, id });
      if (!contact) return;
      const said = await saidLater(tx, event);
      const isLast = (tag: string): boolean => !said.has(tag);
      try {
        applyFields(contact, { addTags: add.filter(isLast), removeTags: remove.filter(isLast) });
      } catch (error) {
        // The contact has its limit of tags: trying again would not help, and a replay is not to make it some other day.
        if (!(error instanceof DomainError && error.kind === 'invalid_argument')) throw error;
        this.logger.warn('Tags that a flow asked for were not set', {
          tenant_id: tenantId,
          contact: id,
          error,
        });
        return;
      }
      await tx.save(contact);
    });
  }
}

/**
 * The tags of which the same session has said something later. What it said before may come behind it: by another replica, or
 * again when it failed.
 */
async function saidLater(
  tx: EntityManager,
  { tenantId, subject, sequence }: ReceivedEvent,
): Promise<Set<string>> {
  const later = await sql<{ tag: string }>(
    tx,
    `SELECT unnest(tags) AS tag FROM tag_changes WHERE tenant_id = $1 AND subject = $2 AND sequence > $3`,
    [tenantId, subject, sequence],
  );
  return new Set(later.map(({ tag }) => tag));
}

/** Changes that cannot come again: streams keep events for 7 days. */
export const OLD_TAG_CHANGES: OldRows = {
  table: 'tag_changes',
  key: ['tenant_id', 'effect_id'],
  condition: `applied_at < (SELECT clock_timestamp() - interval '8 days')`,
};
