import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { FlowCatalogServiceClient, type SimulatedContact } from '@parley/contracts/flow-catalog';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { idInPath } from '../fields.ts';
import { toSettings } from './flows.controller.ts';
import { simulateFlowBody, type SimulateFlowBody } from './simulate-flow.requests.ts';
import { toSimulationView } from './simulate-flow.view.ts';

@Controller('flows')
export class SimulateFlowController {
  private readonly flows: FlowCatalogServiceClient;

  constructor(flows: FlowCatalogServiceClient) {
    this.flows = flows;
  }

  /** Plays the draft, a version or a definition in the draft's place; writes and sends nothing. */
  @Post(':id/simulate')
  @HttpCode(200)
  @Access('flows:read')
  async simulate(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Body({ schema: simulateFlowBody }) body: SimulateFlowBody,
  ): Promise<object> {
    const simulation = await call(this.flows, this.flows.simulateFlow, {
      tenantId,
      flowId: idInPath(id, 'FLOW_NOT_FOUND'),
      version: body.version ?? 0,
      definition: body.definition ?? '',
      settings: toSettings(body.settings),
      context: body.context ?? '',
      contact: toContact(body.contact),
      startTime: body.start_at,
      steps: body.steps,
      httpAnswers: body.http,
    });
    return toSimulationView(simulation);
  }
}

function toContact(contact: SimulateFlowBody['contact']): SimulatedContact | undefined {
  return (
    contact && {
      phone: contact.phone ?? '',
      name: contact.name ?? '',
      email: contact.email ?? '',
      tags: contact.tags ?? [],
      metadata: contact.metadata ?? '',
    }
  );
}
