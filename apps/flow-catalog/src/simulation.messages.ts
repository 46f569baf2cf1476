import {
  SimulationStatus,
  type SimulatedEntry as EntryMessage,
  type SimulatedMessage as MessageMessage,
  type SimulatedSession,
  type SimulateFlowResponse,
} from '@parley/contracts/flow-catalog';
import type {
  FlowProblem,
  JsonValue,
  SessionState,
  SimulatedEntry,
  SimulatedMessage,
  Simulation,
} from '@parley/flow-engine';
import { toProblem } from './flow.messages.ts';

const STATUSES: Record<SessionState['status'], SimulationStatus> = {
  running: SimulationStatus.RUNNING,
  completed: SimulationStatus.COMPLETED,
  failed: SimulationStatus.FAILED,
  expired: SimulationStatus.EXPIRED,
};

export function toSimulateFlowResponse(
  simulation: Simulation,
  warnings: FlowProblem[],
): SimulateFlowResponse {
  const { state, messages, timeline, coverage, problem } = simulation;
  return {
    session: toSession(state),
    messages: messages.map(toMessage),
    timeline: timeline.map(toEntry),
    coverage: coverage.nodes,
    problem: problem ?? undefined,
    warnings: warnings.map(toProblem),
  };
}

function toSession(state: SessionState): SimulatedSession {
  const until = state.wait?.until ?? null;
  return {
    status: STATUSES[state.status],
    outcome: state.outcome,
    failure: state.failure ?? undefined,
    currentNodeId: state.nodeId,
    context: JSON.stringify(state.context),
    tags: textsIn(state.contact['tags']),
    waitsUntil: until === null ? undefined : new Date(until),
    expiresAt: new Date(state.expiresAt),
  };
}

function toMessage({ step, time, nodeId, text, template, media, choices }: SimulatedMessage): MessageMessage {
  const variables = template?.variables.map(([name, value]) => ({ name, value })) ?? [];
  return {
    step,
    time: new Date(time),
    nodeId,
    text,
    template: template ? { name: template.name, language: template.language, variables } : undefined,
    media: media ?? undefined,
    choices,
  };
}

function toEntry({ time, detail, ...entry }: SimulatedEntry): EntryMessage {
  return { ...entry, time: new Date(time), detail: JSON.stringify(detail) };
}

function textsIn(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
