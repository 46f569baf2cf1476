import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { FlowCatalogServiceClient, type FlowSettings } from '@parley/contracts/flow-catalog';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { idInPath } from '../fields.ts';
import { RunningSessions } from '../sessions/running-sessions.ts';
import { BatchedCalls } from '../trigger-flow/batched-calls.ts';
import {
  createFlowBody,
  listFlowsQuery,
  unpublishBody,
  updateFlowBody,
  validateFlowBody,
  type CreateFlowBody,
  type ListFlowsQuery,
  type SettingsBody,
  type UnpublishBody,
  type UpdateFlowBody,
  type ValidateFlowBody,
} from './flow.requests.ts';
import { toFlowView, toProblemView } from './flow.views.ts';

@Controller('flows')
export class FlowsController {
  private readonly flows: FlowCatalogServiceClient;
  private readonly calls: BatchedCalls;
  private readonly running: RunningSessions;

  constructor(flows: FlowCatalogServiceClient, calls: BatchedCalls, running: RunningSessions) {
    this.flows = flows;
    this.calls = calls;
    this.running = running;
  }

  @Post()
  @Access('flows:write')
  async create(
    @CurrentCaller() caller: Caller,
    @Body({ schema: createFlowBody }) body: CreateFlowBody,
  ): Promise<object> {
    const { flow } = await call(this.flows, this.flows.createFlow, {
      tenantId: caller.tenantId,
      name: body.name,
      definition: body.definition ?? '',
      settings: toSettings(body.settings),
    });
    return toFlowView(flow!);
  }

  @Get()
  @Access('flows:read')
  async list(
    @CurrentCaller() caller: Caller,
    @Query({ schema: listFlowsQuery }) query: ListFlowsQuery,
  ): Promise<object> {
    const { flows, nextPageToken } = await call(this.flows, this.flows.listFlows, {
      tenantId: caller.tenantId,
      status: query.status,
      pageSize: query.limit,
      pageToken: query.after,
    });
    return { data: flows.map(toFlowView), next: nextPageToken || null };
  }

  /** What publishing a definition would find; writes nothing. */
  @Post('validate')
  @HttpCode(200)
  @Access('flows:read')
  async validate(
    @CurrentCaller() caller: Caller,
    @Body({ schema: validateFlowBody }) body: ValidateFlowBody,
  ): Promise<object> {
    const { errors, warnings } = await call(this.flows, this.flows.validateFlow, {
      tenantId: caller.tenantId,
      definition: body.definition,
      settings: toSettings(body.settings),
    });
    return { errors: errors.map(toProblemView), warnings: warnings.map(toProblemView) };
  }

  @Get(':id')
  @Access('flows:read')
  async get(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    const { flow } = await call(this.flows, this.flows.getFlow, {
      tenantId,
      id: idInPath(id, 'FLOW_NOT_FOUND'),
    });
    return toFlowView(flow!);
  }

  /** Changes the draft; what is published stays. */
  @Patch(':id')
  @Access('flows:write')
  async update(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Body({ schema: updateFlowBody }) body: UpdateFlowBody,
  ): Promise<object> {
    const { flow } = await call(this.flows, this.flows.updateFlow, {
      tenantId,
      id: idInPath(id, 'FLOW_NOT_FOUND'),
      name: body.name,
      definition: body.definition,
      settings: undefined,
      settingsChange: body.settings && {
        sessionTtlMinutes: body.settings.session_ttl_minutes,
        channel: body.settings.channel,
      },
    });
    return toFlowView(flow!);
  }

  @Post(':id/publish')
  @HttpCode(200)
  @Access('flows:write')
  async publish(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    const { flow, warnings } = await call(this.flows, this.flows.publishFlow, {
      tenantId,
      id: idInPath(id, 'FLOW_NOT_FOUND'),
    });
    this.calls.dropPublishedFlow({ tenantId, flowId: flow!.id });
    return { ...toFlowView(flow!), warnings: warnings.map(toProblemView) };
  }

  @Post(':id/unpublish')
  @HttpCode(200)
  @Access('flows:write')
  async unpublish(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Body({ schema: unpublishBody }) body: UnpublishBody,
  ): Promise<object> {
    const { flow } = await call(this.flows, this.flows.unpublishFlow, {
      tenantId,
      id: idInPath(id, 'FLOW_NOT_FOUND'),
    });
    this.calls.dropPublishedFlow({ tenantId, flowId: flow!.id });
    if (body?.mode === 'cancel') await this.running.cancelAll(tenantId, flow!.id);
    return toFlowView(flow!);
  }

  @Post(':id/archive')
  @HttpCode(200)
  @Access('flows:write')
  async archive(@CurrentCaller() { tenantId }: Caller, @Param('id') id: string): Promise<object> {
    const { flow } = await call(this.flows, this.flows.archiveFlow, {
      tenantId,
      id: idInPath(id, 'FLOW_NOT_FOUND'),
    });
    this.calls.dropPublishedFlow({ tenantId, flowId: flow!.id });
    return toFlowView(flow!);
  }
}

export function toSettings(settings: SettingsBody | undefined): FlowSettings | undefined {
  return settings && { sessionTtlMinutes: settings.session_ttl_minutes, channel: settings.channel };
}
