import {
  SimulationStatus,
  type SimulatedMessage,
  type SimulatedEntry,
  type SimulateFlowResponse,
} from '@parley/contracts/flow-catalog';
import { parseJson } from '@parley/json-limits';
import { toOptionalTimestamp, toTimestamp } from '../fields.ts';
import { toProblemView } from './flow.views.ts';

const STATUS_NAMES: Record<SimulationStatus, string> = {
  [SimulationStatus.RUNNING]: 'running',
  [SimulationStatus.COMPLETED]: 'completed',
  [SimulationStatus.EXPIRED]: 'expired',
  [SimulationStatus.FAILED]: 'failed',
  [SimulationStatus.UNSPECIFIED]: 'running',
  [SimulationStatus.UNRECOGNIZED]: 'running',
};

export function toSimulationView(response: SimulateFlowResponse): Record<string, unknown> {
  const session = response.session!;
  const { problem } = response;
  return {
    status: STATUS_NAMES[session.status],
    outcome: session.outcome || null,
    failure: session.failure
      ? {
          code: session.failure.code,
          node_id: session.failure.nodeId,
          message: session.failure.message,
        }
      : null,
    current_node_id: session.currentNodeId,
    context: parseJson(session.context),
    tags: session.tags,
    waits_until: toOptionalTimestamp(session.waitsUntil),
    expires_at: toTimestamp(session.expiresAt!),
    messages: response.messages.map(toMessageView),
    timeline: response.timeline.map(toEntryView),
    coverage: response.coverage,
    problem: problem
      ? { code: problem.code, step: problem.step, node_id: problem.nodeId, message: problem.message }
      : null,
    warnings: response.warnings.map(toProblemView),
  };
}

function toMessageView(message: SimulatedMessage): Record<string, unknown> {
  const { template } = message;
  return {
    step: message.step,
    time: toTimestamp(message.time!),
    node_id: message.nodeId,
    text: message.text,
    template: template
      ? {
          name: template.name,
          language: template.language,
          variables: template.variables,
        }
      : null,
    media: message.media ?? null,
    choices: message.choices,
  };
}

function toEntryView(entry: SimulatedEntry): Record<string, unknown> {
  return {
    number: entry.number,
    step: entry.step,
    time: toTimestamp(entry.time!),
    type: entry.type,
    node_id: entry.nodeId || null,
    handle: entry.handle || null,
    detail: parseJson(entry.detail),
    warnings: entry.warnings,
  };
}
