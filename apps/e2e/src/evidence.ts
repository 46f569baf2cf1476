import { eventually, type EventProbe, type RecordedEvent } from '@parley/testing';

/** A row of sessions beside what the view shows of it in the same statement. */
export interface SessionRow {
  tenantId: string;
  id: string;
  flowId: string;
  contactId: string;
  status: string;
  sequence: number;
  createdAt: Date;
  expiresAt: Date;
  endedAt: Date | null;
  /** How many entries its timeline has, and the number of an end from outside, which has no row of its own. */
  entries: number;
  endEntry: number | null;
  /** What current_sessions calls it, and the statement's time, by which it does. */
  shownStatus: string;
  shownAt: Date;
}

export interface OutboxRow {
  tenantId: string;
  id: string;
  type: string;
  subject: string;
  sequence: number;
  publishedAt: Date | null;
}

/** A row of session_sprints: entries of a session's timeline that were written together. */
export interface SprintRow {
  sessionId: string;
  firstEntry: number;
  at: Date;
  entries: { type: string; detail: { effect_id?: string } }[];
}

/** A row of contact_replies: what a message came to. */
export interface ReplyRow {
  tenantId: string;
  messageId: string;
  sessionId: string;
  result: string;
}

/** What the services left behind: rows and events, in the stream's order and with their repetitions. */
export interface Evidence {
  sessions: SessionRow[];
  sprints: SprintRow[];
  replies: ReplyRow[];
  outbox: OutboxRow[];
  events: RecordedEvent[];
}

/** Reads the session service's database: `(text) => cluster.query('session', text)`. */
export type Query = <Row extends object>(text: string) => Promise<Row[]>;

/** After this long without a new event the stream is taken to have no more. */
const QUIET_MS = 300;
/** Something that goes on changing is compared as it stands. */
const MAX_ATTEMPTS = 10;

/**
 * Waits until the outbox has no unpublished row.
 * @returns how many are left when the time is up
 */
export async function drain(query: Query, withinMs: number): Promise<number> {
  let left = Infinity;
  const ask = async (): Promise<void> => {
    const rows = await query<{ count: number }>(
      'SELECT count(*)::int AS count FROM outbox WHERE published_at IS NULL',
    );
    left = rows[0]!.count;
    if (left > 0) throw new Error(`${left} events wait in the outbox`);
  };
  await eventually(ask, withinMs).catch(() => undefined);
  return left;
}

/** Waits until every event is sent. Fails when some are not by then. */
export async function allSent(query: Query, withinMs = 15_000): Promise<void> {
  const left = await drain(query, withinMs);
  if (left > 0) throw new Error(`${left} events wait in the outbox`);
}

/**
 * Reads rows and events, once neither changes any more: a session that falls due meanwhile would have an event that its
 * row knows nothing of. Waits for the probe to have every event that the outbox calls published.
 */
export async function gather(query: Query, probe: EventProbe): Promise<Evidence> {
  for (let attempt = 1; ; attempt++) {
    const before = await stateOf(query);
    const evidence = await gatherOnce(query, probe);
    if (before === (await stateOf(query)) || attempt === MAX_ATTEMPTS) return evidence;
  }
}

async function stateOf(query: Query): Promise<string> {
  const rows = await query<object>(
    `SELECT count(*), sum(sequence), sum(entries), (SELECT count(*) FROM outbox WHERE published_at IS NOT NULL) AS published FROM sessions`,
  );
  return JSON.stringify(rows);
}

async function gatherOnce(query: Query, probe: EventProbe): Promise<Evidence> {
  const outbox = await query<OutboxRow>(
    `SELECT tenant_id AS "tenantId", id, type, subject, sequence, published_at AS "publishedAt" FROM outbox_events ORDER BY position, sequence`,
  );
  const sessions = await query<SessionRow>(
    `SELECT s.tenant_id AS "tenantId", s.id, s.flow_id AS "flowId", s.contact_id AS "contactId", s.status, s.sequence,
       s.created_at AS "createdAt", s.expires_at AS "expiresAt", s.ended_at AS "endedAt", s.entries, s.end_entry AS "endEntry",
       v.status AS "shownStatus", statement_timestamp() AS "shownAt"
     FROM sessions s JOIN current_sessions v ON v.tenant_id = s.tenant_id AND v.id = s.id ORDER BY s.created_at, s.id`,
  );
  const sprints = await query<SprintRow>(
    `SELECT session_id AS "sessionId", first_entry AS "firstEntry", at, entries FROM session_sprints
     ORDER BY session_id, first_entry`,
  );
  const replies = await query<ReplyRow>(
    `SELECT tenant_id AS "tenantId", message_id AS "messageId", session_id AS "sessionId", result FROM contact_replies`,
  );
  const published = outbox.filter((row) => row.publishedAt !== null).map((row) => row.id);
  // What does not come is the checker's to say.
  await eventually(() => {
    const seen = new Set(probe.events.map((event) => event.id));
    if (published.some((id) => !seen.has(id))) throw new Error('Events are missing');
  }, 5_000).catch(() => undefined);
  await quiet(probe);
  return { sessions, sprints, replies, outbox, events: [...probe.events] };
}

/** Waits until the stream seems to have no more events. */
export async function quiet(probe: EventProbe): Promise<void> {
  let count = -1;
  while (count !== probe.events.length) {
    count = probe.events.length;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}
