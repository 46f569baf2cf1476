import { Body, Controller, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { triggerFlowRequest, type TriggerFlow } from './trigger-flow.request.ts';
import { TriggerFlowService, type Triggered } from './trigger-flow.service.ts';

@Controller('actions')
export class TriggerFlowController {
  private readonly triggers: TriggerFlowService;

  constructor(triggers: TriggerFlowService) {
    this.triggers = triggers;
  }

  /**
   * Starts a published flow for a contact: 201 started, 200 already_running.
   * {"flow_id": "…", "phone": "+14155550123", "context": {"cart_id": "987654321"}}
   */
  @Post('trigger-flow')
  @Access('trigger')
  async triggerFlow(
    @CurrentCaller() caller: Caller,
    @Body({ schema: triggerFlowRequest }) request: TriggerFlow,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Triggered> {
    const triggered = await this.triggers.trigger(caller.tenantId, request);
    reply.status(triggered.status === 'started' ? 201 : 200);
    return triggered;
  }
}
