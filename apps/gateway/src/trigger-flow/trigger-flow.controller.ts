import { Body, Controller, Headers, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { toDryRun, type DryRun } from './dry-run.view.ts';
import { parseKey, triggerFlowRequest, type TriggerFlow } from './trigger-flow.request.ts';
import { toTriggered, TriggerFlowService, type Triggered } from './trigger-flow.service.ts';

@Controller('actions')
export class TriggerFlowController {
  private readonly triggers: TriggerFlowService;

  constructor(triggers: TriggerFlowService) {
    this.triggers = triggers;
  }

  /**
   * Starts a published flow for a contact: 201 started, 200 already_running. With an Idempotency-Key the same request
   * is answered the same again, with Idempotent-Replayed. With dry_run: 200 and what would happen.
   * {"flow_id": "…", "phone": "+14155550123", "context": {"cart_id": "987654321"}}
   */
  @Post('trigger-flow')
  @Access('trigger')
  async triggerFlow(
    @CurrentCaller() caller: Caller,
    @Body({ schema: triggerFlowRequest }) request: TriggerFlow,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Triggered | DryRun> {
    const outcome = await this.triggers.trigger(caller.tenantId, request, parseKey(key));
    if (request.dry_run === true) {
      reply.status(200);
      return toDryRun(outcome);
    }
    const triggered = toTriggered(outcome.session);
    reply.status(triggered.status === 'started' ? 201 : 200);
    if (outcome.session.replayed) reply.header('Idempotent-Replayed', 'true');
    return triggered;
  }
}
