import { Controller, Post, Req, Res } from '@nestjs/common';
import { DomainError } from '@parley/errors';
import { checkItem } from '@parley/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access, callerOf } from '../auth/access.ts';
import { toDryRun, type DryRun } from './dry-run.view.ts';
import { parseKey, triggerFlowRequest } from './trigger-flow.request.ts';
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
   *
   * Takes the request as it is: each parameter that Nest prepares costs this route more than its own work.
   */
  @Post('trigger-flow')
  @Access('trigger')
  async triggerFlow(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Triggered | DryRun> {
    const trigger = checkItem(triggerFlowRequest, request.body);
    if (trigger instanceof DomainError) throw trigger;
    const key = parseKey(request.headers['idempotency-key']);
    const outcome = await this.triggers.trigger(callerOf(request).tenantId, trigger, key);
    if (trigger.dry_run === true) {
      reply.status(200);
      return toDryRun(outcome);
    }
    const triggered = toTriggered(outcome.session);
    reply.status(triggered.status === 'started' ? 201 : 200);
    if (outcome.session.replayed) reply.header('Idempotent-Replayed', 'true');
    return triggered;
  }
}
