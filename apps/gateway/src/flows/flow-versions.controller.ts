import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { idInPath } from '../fields.ts';
import { BatchedCalls } from '../trigger-flow/batched-calls.ts';
import { diffQuery, pageQuery, type DiffQuery, type PageQuery } from './flow.requests.ts';
import { toDifferenceView, toFlowVersionView, toFlowView } from './flow.views.ts';

@Controller('flows/:id/versions')
export class FlowVersionsController {
  private readonly flows: FlowCatalogServiceClient;
  private readonly calls: BatchedCalls;

  constructor(flows: FlowCatalogServiceClient, calls: BatchedCalls) {
    this.flows = flows;
    this.calls = calls;
  }

  @Get()
  @Access('flows:read')
  async list(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Query({ schema: pageQuery }) query: PageQuery,
  ): Promise<object> {
    const { versions, nextPageToken } = await call(this.flows, this.flows.listFlowVersions, {
      tenantId,
      flowId: idInPath(id, 'FLOW_NOT_FOUND'),
      pageSize: query.limit,
      pageToken: query.after,
    });
    return { data: versions.map(toFlowVersionView), next: nextPageToken || null };
  }

  @Get(':version')
  @Access('flows:read')
  async get(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Param('version') version: string,
  ): Promise<object> {
    const { version: found } = await call(this.flows, this.flows.getFlowVersion, {
      tenantId,
      flowId: idInPath(id, 'FLOW_NOT_FOUND'),
      version: versionOf(version),
    });
    return toFlowVersionView(found!);
  }

  /** What has changed since this version: in the draft, or in another version. */
  @Get(':version/diff')
  @Access('flows:read')
  async diff(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Param('version') version: string,
    @Query({ schema: diffQuery }) query: DiffQuery,
  ): Promise<object> {
    const { differences } = await call(this.flows, this.flows.compareFlowVersions, {
      tenantId,
      flowId: idInPath(id, 'FLOW_NOT_FOUND'),
      fromVersion: versionOf(version),
      toVersion: query.with ?? 0,
    });
    return { data: differences.map(toDifferenceView) };
  }

  /** Makes it the next version: the way back from a bad change. */
  @Post(':version/publish')
  @HttpCode(200)
  @Access('flows:write')
  async publish(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Param('version') version: string,
  ): Promise<object> {
    const { flow } = await call(this.flows, this.flows.republishFlowVersion, {
      tenantId,
      flowId: idInPath(id, 'FLOW_NOT_FOUND'),
      version: versionOf(version),
    });
    this.calls.dropPublishedFlow({ tenantId, flowId: flow!.id });
    return toFlowView(flow!);
  }
}

/** The version in a path. What is not a number names no version. */
function versionOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new DomainError('not_found', 'FLOW_VERSION_NOT_FOUND', 'Flow version not found');
}
