import { Controller, UseInterceptors } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import {
  ReplyResult,
  SessionStatus,
  StartResult,
  WaitKind,
  type BatchGetStartsRequest,
  type BatchGetStartsResponse,
  type BatchStartSessionsRequest,
  type BatchStartSessionsResponse,
  type CancelFlowSessionsResponse,
  type CancelSessionResponse,
  type CountSessionsResponse,
  type GetSessionResponse,
  type GetTimelineResponse,
  type ListSessionsResponse,
  type Session,
  type SessionWait,
  type StartSessionOutcome,
  type StartSessionRequest,
  type StartSessionResponse,
  type SubmitReplyResponse,
  type WatchSessionResponse,
} from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import type { Wait } from '@parley/flow-engine';
import { batchRequest, toRpcStatus } from '@parley/grpc';
import { map, type Observable } from 'rxjs';
import type { CurrentSession, SessionState } from './current-session.entity.ts';
import {
  countSessionsRequest,
  getTimelineRequest,
  listSessionsRequest,
  sessionRequest,
  submitReplyRequest,
  watchSessionRequest,
  type CountSessions,
  type GetTimeline,
  type ListSessions,
  type SessionRequest,
  type SubmitReply,
  type WatchSession,
} from './session.requests.ts';
import { SessionReplies, type ReplyResultName } from './session-reply.service.ts';
import { SessionWatcher } from './session-watcher.ts';
import { Timeline } from './timeline.ts';
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
const RESULTS: Record<ReplyResultName, ReplyResult> = {
  accepted: ReplyResult.ACCEPTED,
  invalid: ReplyResult.INVALID,
  ignored: ReplyResult.IGNORED,
  no_session: ReplyResult.NO_SESSION,
};
const WAIT_KINDS: Record<Wait['kind'], WaitKind> = {
  reply: WaitKind.REPLY,
  delay: WaitKind.DELAY,
  http: WaitKind.HTTP,
};
const STATES = new Map(Object.entries(STATUSES).map(([state, status]) => [status, state as SessionState]));

@Controller()
export class SessionController {
  private readonly sessions: SessionService;
  private readonly starter: SessionStarter;
  private readonly replies: SessionReplies;
  private readonly timeline: Timeline;
  private readonly watcher: SessionWatcher;

  constructor(
    sessions: SessionService,
    starter: SessionStarter,
    replies: SessionReplies,
    timeline: Timeline,
    watcher: SessionWatcher,
  ) {
    this.sessions = sessions;
    this.starter = starter;
    this.replies = replies;
    this.timeline = timeline;
    this.watcher = watcher;
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

  @GrpcMethod('SessionService', 'cancelFlowSessions')
  async cancelFlowSessions(
    @Payload({ schema: countSessionsRequest }) request: CountSessions,
  ): Promise<CancelFlowSessionsResponse> {
    return { cancelled: await this.sessions.cancelOfFlow(request) };
  }

  @GrpcMethod('SessionService', 'submitReply')
  async submitReply(
    @Payload({ schema: submitReplyRequest }) request: SubmitReply,
  ): Promise<SubmitReplyResponse> {
    const { result, session, replayed } = await this.replies.submit(request);
    return { result: RESULTS[result], session: session && toMessage(session), replayed };
  }

  @GrpcMethod('SessionService', 'getTimeline')
  async getTimeline(
    @Payload({ schema: getTimelineRequest }) { tenantId, id, afterNumber, pageSize }: GetTimeline,
  ): Promise<GetTimelineResponse> {
    const { entries } = await this.timeline.read(tenantId, id, afterNumber, pageSize + 1);
    const page = entries.slice(0, pageSize);
    return { entries: page, nextAfterNumber: entries.length > pageSize ? page.at(-1)!.number : 0 };
  }

  @GrpcMethod('SessionService', 'watchSession')
  watchSession(
    @Payload({ schema: watchSessionRequest }) request: WatchSession,
  ): Observable<WatchSessionResponse> {
    return this.watcher.watch(request).pipe(map((entry) => ({ entry })));
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
    wait: session.wait ? toWaitMessage(session.wait, session.waitUntil) : undefined,
    failure: session.failure
      ? { code: session.failure.code, nodeId: session.failure.node_id, message: session.failure.message }
      : undefined,
  };
}

function toWaitMessage({ id, kind, nodeId }: Wait, until: Date | null): SessionWait {
  return { id, kind: WAIT_KINDS[kind], nodeId, until: until ?? undefined };
}
