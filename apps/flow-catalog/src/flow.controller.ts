import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type {
  ArchiveFlowResponse,
  BatchGetPublishedFlowsRequest,
  BatchGetPublishedFlowsResponse,
  CompareFlowVersionsResponse,
  CreateFlowResponse,
  GetFlowResponse,
  GetFlowVersionResponse,
  GetPublishedFlowRequest,
  GetPublishedFlowResponse,
  ListFlowsResponse,
  ListFlowVersionsResponse,
  PublishFlowResponse,
  RepublishFlowVersionResponse,
  UnpublishFlowResponse,
  UpdateFlowResponse,
  ValidateFlowResponse,
} from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import { batchRequest } from '@parley/grpc';
import { WorkingTime } from '@parley/service';
import { checkDefinition } from './flow.ts';
import { toFlow, toFlowVersion, toOutcome, toProblem, toState } from './flow.messages.ts';
import {
  compareFlowVersionsRequest,
  createFlowRequest,
  flowRequest,
  getFlowVersionRequest,
  listFlowsRequest,
  listFlowVersionsRequest,
  updateFlowRequest,
  validateFlowRequest,
  type CompareFlowVersions,
  type CreateFlow,
  type FlowRequest,
  type GetFlowVersion,
  type ListFlows,
  type ListFlowVersions,
  type UpdateFlow,
  type ValidateFlow,
} from './flow.requests.ts';
import { FlowService } from './flow.service.ts';
import { PublishedFlows } from './published-flows.ts';

@Controller()
export class FlowController {
  private readonly flows: FlowService;
  private readonly published: PublishedFlows;
  private readonly time: WorkingTime;

  constructor(flows: FlowService, published: PublishedFlows, time: WorkingTime) {
    this.flows = flows;
    this.published = published;
    this.time = time;
  }

  @GrpcMethod('FlowCatalogService', 'createFlow')
  async createFlow(@Payload({ schema: createFlowRequest }) request: CreateFlow): Promise<CreateFlowResponse> {
    return { flow: toFlow(await this.flows.create(request)) };
  }

  @GrpcMethod('FlowCatalogService', 'updateFlow')
  async updateFlow(@Payload({ schema: updateFlowRequest }) request: UpdateFlow): Promise<UpdateFlowResponse> {
    return { flow: toFlow(await this.flows.update(request)) };
  }

  @GrpcMethod('FlowCatalogService', 'getFlow')
  async getFlow(@Payload({ schema: flowRequest }) request: FlowRequest): Promise<GetFlowResponse> {
    return { flow: toFlow(await this.flows.get(request)) };
  }

  @GrpcMethod('FlowCatalogService', 'listFlows')
  async listFlows(@Payload({ schema: listFlowsRequest }) request: ListFlows): Promise<ListFlowsResponse> {
    const { page, next } = await this.flows.list(request, toState(request.status));
    return { flows: page.map(toFlow), nextPageToken: next };
  }

  @GrpcMethod('FlowCatalogService', 'validateFlow')
  validateFlow(@Payload({ schema: validateFlowRequest }) request: ValidateFlow): ValidateFlowResponse {
    const { tenantId, definition, settings } = request;
    const { errors, warnings } = this.time.use(tenantId, () => checkDefinition(definition, settings));
    return { errors: errors.map(toProblem), warnings: warnings.map(toProblem) };
  }

  @GrpcMethod('FlowCatalogService', 'publishFlow')
  async publishFlow(@Payload({ schema: flowRequest }) request: FlowRequest): Promise<PublishFlowResponse> {
    const { flow, warnings } = await this.flows.publish(request);
    return { flow: toFlow(flow), warnings: warnings.map(toProblem) };
  }

  @GrpcMethod('FlowCatalogService', 'republishFlowVersion')
  async republishFlowVersion(
    @Payload({ schema: getFlowVersionRequest }) request: GetFlowVersion,
  ): Promise<RepublishFlowVersionResponse> {
    return { flow: toFlow(await this.flows.republish(request)) };
  }

  @GrpcMethod('FlowCatalogService', 'compareFlowVersions')
  async compareFlowVersions(
    @Payload({ schema: compareFlowVersionsRequest }) request: CompareFlowVersions,
  ): Promise<CompareFlowVersionsResponse> {
    return { differences: await this.published.compare(request) };
  }

  @GrpcMethod('FlowCatalogService', 'unpublishFlow')
  async unpublishFlow(
    @Payload({ schema: flowRequest }) request: FlowRequest,
  ): Promise<UnpublishFlowResponse> {
    return { flow: toFlow(await this.flows.unpublish(request)) };
  }

  @GrpcMethod('FlowCatalogService', 'archiveFlow')
  async archiveFlow(@Payload({ schema: flowRequest }) request: FlowRequest): Promise<ArchiveFlowResponse> {
    return { flow: toFlow(await this.flows.archive(request)) };
  }

  @GrpcMethod('FlowCatalogService', 'getPublishedFlow')
  async getPublishedFlow(request: GetPublishedFlowRequest): Promise<GetPublishedFlowResponse> {
    const [flow] = await this.published.find([request]);
    if (flow instanceof DomainError) throw flow;
    return { flow };
  }

  @GrpcMethod('FlowCatalogService', 'batchGetPublishedFlows')
  async batchGetPublishedFlows(
    @Payload({ schema: batchRequest }) batch: BatchGetPublishedFlowsRequest,
  ): Promise<BatchGetPublishedFlowsResponse> {
    const outcomes = await this.published.find(batch.requests);
    return { outcomes: outcomes.map(toOutcome) };
  }

  @GrpcMethod('FlowCatalogService', 'getFlowVersion')
  async getFlowVersion(
    @Payload({ schema: getFlowVersionRequest }) request: GetFlowVersion,
  ): Promise<GetFlowVersionResponse> {
    return { version: toFlowVersion(await this.published.version(request)) };
  }

  @GrpcMethod('FlowCatalogService', 'listFlowVersions')
  async listFlowVersions(
    @Payload({ schema: listFlowVersionsRequest }) request: ListFlowVersions,
  ): Promise<ListFlowVersionsResponse> {
    const { page, next } = await this.published.versions(request);
    return { versions: page.map(toFlowVersion), nextPageToken: next };
  }
}
