import type { OldRows, Statements } from '@parley/postgres';

/** The statements on contact_replies: what contacts' messages with an id of their channel came to, kept for a day. */

/** ended: the session it was for had ended. */
export type ReplyOutcome = 'accepted' | 'invalid' | 'ignored' | 'ended';

export interface KeptReply {
  sessionId: string;
  result: ReplyOutcome;
}

const KEPT = `interval '24 hours'`;

/** A message that is remembered: whose it is, and its id. */
export interface ContactMessage {
  tenantId: string;
  contactId: string;
  /** The channel's, unique among those of the contact. */
  messageId: string;
}

/** What a message came to, if it came within a day. */
export async function findReply(
  database: Pick<Statements, 'query'>,
  message: ContactMessage | undefined,
): Promise<KeptReply | undefined> {
  if (!message) return undefined;
  const { tenantId, contactId, messageId } = message;
  const [reply] = await database.query<KeptReply>(
    `SELECT session_id AS "sessionId", result FROM contact_replies
     WHERE tenant_id = $1 AND contact_id = $2 AND message_id = $3 AND created_at > clock_timestamp() - ${KEPT}`,
    [tenantId, contactId, messageId],
  );
  return reply;
}

/** Keeps what a message came to. Whether it could: a twin that is under way is waited for, and then found. */
export async function keepReply(
  tx: Pick<Statements, 'query'>,
  message: ContactMessage | undefined,
  { sessionId, result }: KeptReply,
): Promise<boolean> {
  if (!message) return true;
  const { tenantId, contactId, messageId } = message;
  const kept = await tx.query(
    `INSERT INTO contact_replies AS r (tenant_id, contact_id, message_id, session_id, result, created_at)
     VALUES ($1, $2, $3, $4, $5, clock_timestamp())
     ON CONFLICT (tenant_id, contact_id, message_id) DO UPDATE
       SET session_id = EXCLUDED.session_id, result = EXCLUDED.result, created_at = EXCLUDED.created_at
       WHERE r.created_at <= clock_timestamp() - ${KEPT}
     RETURNING 1`,
    [tenantId, contactId, messageId, sessionId, result],
  );
  return kept.length > 0;
}

const OLD = `created_at <= (SELECT clock_timestamp() - ${KEPT})`;
/** Messages that are no longer remembered; and as replicas of the version before remember them, whose table a later version drops. */
export const OLD_REPLIES: OldRows[] = [
  { table: 'contact_replies', key: ['tenant_id', 'contact_id', 'message_id'], condition: OLD },
  { table: 'session_replies', key: ['tenant_id', 'message_id'], condition: OLD },
];
