import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { SessionServiceClient } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { getFlowBody, type GetFlowBody } from './flow.requests.ts';
import { toCompatibleFlowView } from './flow.views.ts';

@Controller('actions')
export class GetFlowController {
  private readonly flows: FlowCatalogServiceClient;
  private readonly sessions: SessionServiceClient;

  constructor(flows: FlowCatalogServiceClient, sessions: SessionServiceClient) {
    this.flows = flows;
    this.sessions = sessions;
  }

  /** {"flow_id": "…"} */
  @Post('get-flow')
  @HttpCode(200)
  @Access('flows:read')
  async getFlow(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: getFlowBody }) { flow_id: flowId }: GetFlowBody,
  ): Promise<object> {
    const [{ flow }, { count }] = await Promise.all([
      call(this.flows, this.flows.getFlow, { tenantId, id: flowId }),
      call(this.sessions, this.sessions.countSessions, { tenantId, flowId }),
    ]);
    return toCompatibleFlowView(flow!, count);
  }
}
