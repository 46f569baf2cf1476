import { Injectable } from '@nestjs/common';
import type { TimelineEntry } from '@parley/contracts/session';
import { Database } from '@parley/postgres';
import type { CurrentSession } from './current-session.entity.ts';
import { SessionService } from './session.service.ts';

/** What session_sprints holds of an entry. */
interface KeptEntry {
  type: string;
  nodeId: string;
  handle: string;
  detail: unknown;
  warnings: string[];
}

/** What happened in sessions, in order. */
@Injectable()
export class Timeline {
  private readonly database: Database;
  private readonly sessions: SessionService;

  constructor(database: Database, sessions: SessionService) {
    this.database = database;
    this.sessions = sessions;
  }

  /** Up to limit entries after a number, and the session as it was just before they were read. */
  async read(
    tenantId: string,
    id: string,
    after: number,
    limit: number,
  ): Promise<{ session: CurrentSession; entries: TimelineEntry[] }> {
    const session = await this.sessions.get({ tenantId, id });
    const sprints = await this.database.query<{ firstEntry: number; at: Date; entries: KeptEntry[] }>(
      `SELECT first_entry AS "firstEntry", at, entries FROM session_sprints
       WHERE tenant_id = $1 AND session_id = $2 AND first_entry <= $3::bigint + $4::bigint AND first_entry >= (
         SELECT coalesce(max(first_entry), 0) FROM session_sprints
         WHERE tenant_id = $1 AND session_id = $2 AND first_entry <= $3::bigint + 1)
       ORDER BY first_entry`,
      [tenantId, id, after, limit],
    );
    const entries: TimelineEntry[] = sprints.flatMap(({ firstEntry, at, entries: kept }) =>
      kept.map((entry, index) => ({
        ...entry,
        number: firstEntry + index,
        time: at,
        detail: JSON.stringify(entry.detail),
      })),
    );
    const end = endOf(session);
    if (end) entries.push(end);
    return {
      session,
      entries: entries
        .filter(({ number }) => number > after)
        .toSorted((a, b) => a.number - b.number)
        .slice(0, limit),
    };
  }
}

/** The entry of an end from outside, which has no row. */
function endOf({ endEntry, endedAt, status, currentNodeId }: CurrentSession): TimelineEntry | undefined {
  if (endEntry === null || !endedAt) return undefined;
  return {
    number: endEntry,
    time: endedAt,
    type: status,
    nodeId: currentNodeId,
    handle: '',
    detail: '{}',
    warnings: [],
  };
}
