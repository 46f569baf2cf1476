import { Injectable } from '@nestjs/common';
import { SessionServiceClient } from '@parley/contracts/session';
import { call } from '@parley/grpc';

/** The running sessions of a flow, all at once. */
@Injectable()
export class RunningSessions {
  private readonly sessions: SessionServiceClient;

  constructor(sessions: SessionServiceClient) {
    this.sessions = sessions;
  }

  /**
   * Cancels them all. Where there are more than can be cancelled within the request's deadline it fails with UNAVAILABLE, and
   * the same request goes on where this one stopped.
   */
  async cancelAll(tenantId: string, flowId: string): Promise<void> {
    for (;;) {
      const { cancelled } = await call(this.sessions, this.sessions.cancelFlowSessions, { tenantId, flowId });
      if (cancelled === 0) return;
    }
  }
}
