import { Injectable } from '@nestjs/common';
import { DomainError } from '@parley/errors';
import { Outbox } from '@parley/events';
import { decodePageToken, splitPage, UUID_KEY } from '@parley/grpc';
import { Database } from '@parley/postgres';
import { CurrentSession, type SessionState } from './current-session.entity.ts';
import type { CountSessions, ListSessions, SessionRequest } from './session.requests.ts';
import { cancelOfFlow, cancelRunning } from './session-rows.ts';

/** By one call. */
const MAX_CANCELLED = 500;

/** Reads and cancels sessions; SessionStarter starts them, SessionExpirer ends them on time. */
@Injectable()
export class SessionService {
  private readonly database: Database;
  private readonly outbox: Outbox;

  constructor(database: Database, outbox: Outbox) {
    this.database = database;
    this.outbox = outbox;
  }

  async get({ tenantId, id }: SessionRequest): Promise<CurrentSession> {
    const session = await this.database.read((manager) =>
      manager.findOneBy(CurrentSession, { tenantId, id }),
    );
    if (!session) throw new DomainError('not_found', 'SESSION_NOT_FOUND', 'Session not found');
    return session;
  }

  async list(
    request: ListSessions,
    states: SessionState[],
  ): Promise<{ page: CurrentSession[]; next: string }> {
    const after = decodePageToken(request.pageToken, UUID_KEY);
    const limit = request.pageSize + 1;
    const sessions = await this.database.read((manager) => {
      const query = manager.getRepository(CurrentSession).createQueryBuilder('s');
      query.where('s.tenantId = :tenantId', { tenantId: request.tenantId });
      if (after !== undefined) query.andWhere('s.id < :after', { after });
      if (request.flowId !== '') query.andWhere('s.flowId = :flowId', { flowId: request.flowId });
      if (request.contactId !== '')
        query.andWhere('s.contactId = :contactId', { contactId: request.contactId });
      if (states.length > 0) query.andWhere(`s.id = ANY(ARRAY(${idsOf(states, request, after)}))`, { limit });
      return query.orderBy('s.id', 'DESC').limit(limit).getMany();
    });
    return splitPage(sessions, request.pageSize, (session) => session.id);
  }

  async count({ tenantId, flowId }: CountSessions): Promise<number> {
    return this.database.read((manager) => manager.countBy(CurrentSession, { tenantId, flowId }));
  }

  /** How many of a flow's running sessions were cancelled: at most 500, 0 when none is left. */
  async cancelOfFlow({ tenantId, flowId }: CountSessions): Promise<number> {
    return cancelOfFlow(this.outbox, tenantId, flowId, MAX_CANCELLED);
  }

  async cancel(request: SessionRequest): Promise<CurrentSession> {
    const cancelled = await cancelRunning(this.outbox, request.tenantId, request.id);
    const session = await this.get(request);
    if (cancelled) return session;
    throw notRunning(session);
  }
}

/** Rows of the table that the view shows in a state; each as an index has it. */
const IN_STATE: Record<SessionState, string> = {
  // Fenced off, so that those that run are looked for among those that run, and not among all, newest first.
  running: `(SELECT * FROM sessions WHERE status = 'running' AND tenant_id = :tenantId AND expires_at > statement_timestamp() OFFSET 0)`,
  completed: `(SELECT * FROM sessions WHERE status = 'completed')`,
  failed: `(SELECT * FROM sessions WHERE status = 'failed')`,
  cancelled: `(SELECT * FROM sessions WHERE status = 'cancelled')`,
  expired: `(SELECT * FROM sessions WHERE status = 'expired' OR status = 'running' AND expires_at <= statement_timestamp())`,
};

/** A query for the newest ids of each state: the condition on the view's status would be tried on all that a tenant ever had. */
function idsOf(
  states: SessionState[],
  { flowId, contactId }: ListSessions,
  after: string | undefined,
): string {
  const conditions = ['tenant_id = :tenantId'];
  if (flowId !== '') conditions.push('flow_id = :flowId');
  if (contactId !== '') conditions.push('contact_id = :contactId');
  if (after !== undefined) conditions.push('id < :after');
  const where = conditions.join(' AND ');
  return states
    .map(
      (state) => `(SELECT id FROM ${IN_STATE[state]} AS found WHERE ${where} ORDER BY id DESC LIMIT :limit)`,
    )
    .join(' UNION ALL ');
}

export function notRunning({ status }: CurrentSession): DomainError {
  const metadata = { status };
  return new DomainError('failed_precondition', 'SESSION_NOT_RUNNING', 'Session is not running', {
    metadata,
  });
}
