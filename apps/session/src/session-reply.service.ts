import { Injectable } from '@nestjs/common';
import type { CurrentSession } from './current-session.entity.ts';
import type { SubmitReply } from './session.requests.ts';
import { SessionRunner } from './session-runner.ts';
import { notRunning, SessionService } from './session.service.ts';

export type ReplyResultName = 'accepted' | 'invalid' | 'ignored' | 'no_session';

/** Gives sessions what their contacts replied, and answers as callers are answered. */
@Injectable()
export class SessionReplies {
  private readonly sessions: SessionService;
  private readonly runner: SessionRunner;

  constructor(sessions: SessionService, runner: SessionRunner) {
    this.sessions = sessions;
    this.runner = runner;
  }

  /** Fails with SESSION_NOT_FOUND and SESSION_NOT_RUNNING where the request names its session. */
  async submit(
    request: SubmitReply,
  ): Promise<{ result: ReplyResultName; session: CurrentSession | undefined; replayed: boolean }> {
    const taken = await this.runner.reply(request);
    if (!taken) return { result: 'no_session', session: undefined, replayed: false };
    const { tenantId, sessionId: named } = request;
    const session = await this.sessions.get({ tenantId, id: taken.sessionId });
    if (taken.result === 'ended' && named !== '') throw notRunning(session);
    const result = taken.result === 'ended' ? 'ignored' : taken.result;
    return { result, session, replayed: taken.replayed };
  }
}
