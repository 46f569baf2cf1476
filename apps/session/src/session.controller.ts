import { Controller, UseInterceptors } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import {
  SessionStatus,
  StartResult,
  type BatchGetStartsRequest,
  type BatchGetStartsResponse,
  type BatchStartSessionsRequest,
  type BatchStartSessionsResponse,
  type CancelSessionResponse,
  type CountSessionsResponse,
  type GetSessionResponse,
  type ListSessionsResponse,
  type Session,
  type StartSessionOutcome,
  type StartSessionRequest,
  type StartSessionResponse,
} from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { batchRequest, toRpcStatus } from '@parley/grpc';
import type { CurrentSession, SessionState } from './current-session.entity.ts';
import {
  countSessionsRequest,
  listSessionsRequest,
  sessionRequest,
  type CountSessions,
  type ListSessions,
  type SessionRequest,
} from './session.requests.ts';
import { SessionService } from './session.service.ts';
import { SessionStarter } from './session-starter.ts';
import { StartCounter } from './start-counter.ts';
import type { Start } from './start-transaction.ts';

const STATUSES: Record<SessionState, SessionStatus> = {
  running: SessionStatus.RUNNING,
  completed: SessionStatus.COMPLETED,
  expired: SessionStatus.EXPIRED,
  failed: SessionStatus.FAILED,
  cancelled: SessionStatus.CANCELLED,
};
const STATES = new Map(Object.entries(STATUSES).map(([state, status]) => [status, state as SessionState]));

@Controller()
export class SessionController {
  private readonly sessions: SessionService;
  private readonly starter: SessionStarter;

  constructor(sessions: SessionService, starter: SessionStarter) {
    this.sessions = sessions;
    this.starter = starter;
  }

  @GrpcMethod('SessionService', 'startSession')
  @UseInterceptors(StartCounter)
  async startSession(request: StartSessionRequest): Promise<StartSessionResponse> {
    return toStartMessage(await this.starter.startOne(request));
  }

  @GrpcMethod('SessionService', 'batchStartSessions')
  @UseInterceptors(StartCounter)
  async batchStartSessions(
    @Payload({ schema: batchRequest }) batch: BatchStartSessionsRequest,
  ): Promise<BatchStartSessionsResponse> {
    const starts = await this.starter.start(batch.requests);
    return { outcomes: starts.map(toOutcome) };
  }

  @GrpcMethod('SessionService', 'batchGetStarts')
  @UseInterceptors(StartCounter)
  async batchGetStarts(
    @Payload({ schema: batchRequest }) batch: BatchGetStartsRequest,
  ): Promise<BatchGetStartsResponse> {
    const starts = await this.starter.findEarlier(batch.requests);
    return { outcomes: starts.map(toOutcome) };
  }

  @GrpcMethod('SessionService', 'getSession')
  async getSession(
    @Payload({ schema: sessionRequest }) request: SessionRequest,
  ): Promise<GetSessionResponse> {
    return { session: toMessage(await this.sessions.get(request)) };
  }

  @GrpcMethod('SessionService', 'listSessions')
  async listSessions(
    @Payload({ schema: listSessionsRequest }) request: ListSessions,
  ): Promise<ListSessionsResponse> {
    const { page, next } = await this.sessions.list(
      request,
      request.statuses.map((status) => STATES.get(status)!),
    );
    return { sessions: page.map(toMessage), nextPageToken: next };
  }

  @GrpcMethod('SessionService', 'countSessions')
  async countSessions(
    @Payload({ schema: countSessionsRequest }) request: CountSessions,
  ): Promise<CountSessionsResponse> {
    return { count: await this.sessions.count(request) };
  }

  @GrpcMethod('SessionService', 'cancelSession')
  async cancelSession(
    @Payload({ schema: sessionRequest }) request: SessionRequest,
  ): Promise<CancelSessionResponse> {
    return { session: toMessage(await this.sessions.cancel(request)) };
  }
}

function toOutcome(start: Start | DomainError): StartSessionOutcome {
  if (start instanceof DomainError) {
    return { outcome: { $case: 'error', value: toRpcStatus(start, 'parley.session.v1') } };
  }
  return { outcome: { $case: 'session', value: toStartMessage(start) } };
}

function toStartMessage({ result, replayed, session }: Start): StartSessionResponse {
  const { flowId, flowName, flowVersion, contactId } = session;
  return {
    result: result === 'started' ? StartResult.STARTED : StartResult.ALREADY_RUNNING,
    sessionId: 'id' in session ? session.id : '',
    flowId,
    flowVersion,
    flowName,
    contactId,
    expiresAt: 'id' in session ? session.expiresAt : undefined,
    replayed,
  };
}

function toMessage(session: CurrentSession): Session {
  return {
    ...session,
    status: STATUSES[session.status],
    endedAt: session.endedAt ?? undefined,
  };
}
