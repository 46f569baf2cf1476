import {
  FlowStatus,
  type Flow,
  type FlowDifference,
  type FlowProblem,
  type FlowSettings,
  type FlowVersion,
} from '@parley/contracts/flow-catalog';
import { parseJson } from '@parley/json-limits';
import { toOptionalTimestamp, toTimestamp } from '../fields.ts';

const STATUS_NAMES: Record<FlowStatus, string> = {
  [FlowStatus.DRAFT]: 'draft',
  [FlowStatus.PUBLISHED]: 'published',
  [FlowStatus.ARCHIVED]: 'archived',
  [FlowStatus.UNSPECIFIED]: 'draft',
  [FlowStatus.UNRECOGNIZED]: 'draft',
};

/** A flow as /flows gives it. */
export function toFlowView(flow: Flow): Record<string, unknown> {
  return {
    id: flow.id,
    name: flow.name,
    status: STATUS_NAMES[flow.status],
    trigger_type: flow.triggerType,
    definition: parseJson(flow.draftDefinition),
    settings: toSettingsView(flow.settings!),
    published_version: flow.publishedVersion || null,
    published_at: toOptionalTimestamp(flow.publishedAt),
    created_at: toTimestamp(flow.createdAt!),
    updated_at: toTimestamp(flow.updatedAt!),
  };
}

/** A flow as the compatible get-flow action gives it: an archived one shows as a draft. */
export function toCompatibleFlowView(flow: Flow, sessionsCount: number): Record<string, unknown> {
  return {
    id: flow.id,
    name: flow.name,
    status: flow.status === FlowStatus.PUBLISHED ? 'published' : 'draft',
    trigger_type: flow.triggerType,
    sessions_count: sessionsCount,
    published_at: toOptionalTimestamp(flow.publishedAt),
    created_at: toTimestamp(flow.createdAt!),
  };
}

export function toFlowVersionView(version: FlowVersion): Record<string, unknown> {
  return {
    flow_id: version.flowId,
    version: version.version,
    name: version.name,
    definition: parseJson(version.definition),
    settings: toSettingsView(version.settings!),
    entry_node_id: version.entryNodeId || null,
    published_at: toTimestamp(version.publishedAt!),
  };
}

function toSettingsView({ sessionTtlMinutes, channel }: FlowSettings): Record<string, unknown> {
  return { session_ttl_minutes: sessionTtlMinutes, channel: channel || null };
}

/** Something that is not the same in two versions. */
export function toDifferenceView(difference: FlowDifference): Record<string, unknown> {
  return {
    subject: difference.subject,
    id: difference.id || null,
    change: difference.change,
    before: difference.before === '' ? null : parseJson(difference.before),
    after: difference.after === '' ? null : parseJson(difference.after),
  };
}

export function toProblemView(problem: FlowProblem): Record<string, unknown> {
  return {
    code: problem.code,
    field: problem.field,
    message: problem.message,
    node_id: problem.nodeId || null,
  };
}
