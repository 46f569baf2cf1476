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
    const sessions = await this.database.read((manager) => {
      const query = manager.getRepository(CurrentSession).createQueryBuilder('s');
      query.where('s.tenantId = :tenantId', { tenantId: request.tenantId });
      if (after !== undefined) query.andWhere('s.id < :after', { after });
      if (request.flowId !== '') query.andWhere('s.flowId = :flowId', { flowId: request.flowId });
      if (request.contactId !== '')
        query.andWhere('s.contactId = :contactId', { contactId: request.contactId });
      if (states.length > 0) query.andWhere('s.status IN (:...states)', { states });
      return query
        .orderBy('s.id', 'DESC')
        .limit(request.pageSize + 1)
        .getMany();
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

export function notRunning({ status }: CurrentSession): DomainError {
  const metadata = { status };
  return new DomainError('failed_precondition', 'SESSION_NOT_RUNNING', 'Session is not running', {
    metadata,
  });
}
