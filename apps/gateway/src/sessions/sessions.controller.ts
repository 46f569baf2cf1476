import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { SessionServiceClient } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { idInPath } from '../fields.ts';
import {
  listSessionsQuery,
  timelineQuery,
  type ListSessionsQuery,
  type TimelineQuery,
} from './session.requests.ts';
import { toSessionView, toTimelineEntryView } from './session.views.ts';

@Controller('sessions')
export class SessionsController {
  private readonly sessions: SessionServiceClient;

  constructor(sessions: SessionServiceClient) {
    this.sessions = sessions;
  }

  @Get()
  @Access('sessions:read')
  async list(
    @CurrentCaller() caller: Caller,
    @Query({ schema: listSessionsQuery }) query: ListSessionsQuery,
  ): Promise<object> {
    const { sessions, nextPageToken } = await call(this.sessions, this.sessions.listSessions, {
      tenantId: caller.tenantId,
      flowId: query.flow_id ?? '',
      contactId: query.contact_id ?? '',
      statuses: query.status === undefined ? [] : [query.status],
      pageSize: query.limit,
      pageToken: query.after,
    });
    return { data: sessions.map(toSessionView), next: nextPageToken || null };
  }

  @Get(':id')
  @Access('sessions:read')
  async get(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    const { session } = await call(this.sessions, this.sessions.getSession, {
      tenantId,
      id: idInPath(id, 'SESSION_NOT_FOUND'),
    });
    return toSessionView(session!);
  }

  /** What happened in it, oldest first. */
  @Get(':id/timeline')
  @Access('sessions:read')
  async timeline(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Query({ schema: timelineQuery }) query: TimelineQuery,
  ): Promise<object> {
    const { entries, nextAfterNumber } = await call(this.sessions, this.sessions.getTimeline, {
      tenantId,
      id: idInPath(id, 'SESSION_NOT_FOUND'),
      afterNumber: query.after,
      pageSize: query.limit,
    });
    return { data: entries.map(toTimelineEntryView), next: nextAfterNumber ? String(nextAfterNumber) : null };
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Access('sessions:write')
  async cancel(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    const { session } = await call(this.sessions, this.sessions.cancelSession, {
      tenantId,
      id: idInPath(id, 'SESSION_NOT_FOUND'),
    });
    return toSessionView(session!);
  }
}
