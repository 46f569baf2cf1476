import {
  FlowStatus,
  type Flow,
  type FlowProblem as FlowProblemMessage,
  type FlowVersion,
  type PublishedFlow,
  type PublishedFlowOutcome,
} from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import type { FlowProblem } from '@parley/flow-engine';
import { toRpcStatus } from '@parley/grpc';
import type { FlowEntity, FlowState } from './flow.entity.ts';
import type { FlowVersionEntity } from './flow-version.entity.ts';

const STATUSES: Record<FlowState, FlowStatus> = {
  draft: FlowStatus.DRAFT,
  published: FlowStatus.PUBLISHED,
  archived: FlowStatus.ARCHIVED,
};
const STATES = new Map(Object.entries(STATUSES).map(([state, status]) => [status, state as FlowState]));

/** Undefined for UNSPECIFIED. */
export function toState(status: FlowStatus): FlowState | undefined {
  return STATES.get(status);
}

export function toFlow(flow: FlowEntity): Flow {
  const { sessionTtlMinutes, channel, ...rest } = flow;
  return {
    ...rest,
    status: STATUSES[flow.status],
    settings: { sessionTtlMinutes, channel },
    publishedVersion: flow.publishedVersion ?? 0,
    publishedAt: flow.publishedAt ?? undefined,
  };
}

export function toFlowVersion(version: FlowVersionEntity): FlowVersion {
  const { tenantId, flowId, version: number, name, definition, entryNodeId, publishedAt } = version;
  const settings = { sessionTtlMinutes: version.sessionTtlMinutes, channel: version.channel };
  return { tenantId, flowId, version: number, name, definition, settings, entryNodeId, publishedAt };
}

export function toProblem(problem: FlowProblem): FlowProblemMessage {
  return { ...problem };
}

export function toOutcome(outcome: PublishedFlow | DomainError): PublishedFlowOutcome {
  return outcome instanceof DomainError
    ? { outcome: { $case: 'error', value: toRpcStatus(outcome, 'parley.flow_catalog.v1') } }
    : { outcome: { $case: 'flow', value: outcome } };
}
