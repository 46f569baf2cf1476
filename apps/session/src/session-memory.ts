import {
  isJsonObject,
  type CompiledFlow,
  type JsonObject,
  type SessionState,
  type Sprint,
} from '@parley/flow-engine';
import { effectEvents, type SprintEvent } from './effect-events.ts';

/** What the engine remembers of a session beside what has columns of its own. */
interface Memory {
  wait: SessionState['wait'];
  reply: SessionState['reply'];
  contact: JsonObject;
  sprints: number;
  /** Missing in sessions that were started before they were counted. */
  nodes?: number;
  waits: number;
}

/** A session's row as a sprint needs it, locked; times by the database's clock. */
export interface LockedSession {
  tenantId: string;
  id: string;
  flowId: string;
  flowName: string;
  flowVersion: number;
  contactId: string;
  status: 'running' | 'completed' | 'expired' | 'failed' | 'cancelled';
  context: string;
  currentNodeId: string;
  /** Null in sessions that were started before flows ran. */
  memory: Memory | null;
  waitUntil: Date | null;
  waitingSince: Date | null;
  entries: number;
  sequence: number;
  createdAt: Date;
  lastInteractionAt: Date;
  expiresAt: Date;
  now: Date;
}

/** What a sprint came to, as columns have it. */
export interface SprintColumns {
  status: string;
  nodeId: string;
  /** JSON text; null where it is as it was. */
  context: string | null;
  memory: string;
  waitKind: string | null;
  /** From the sprint's time to the wait's; null where nothing but the session's end ends it. */
  waitMs: number | null;
  entries: number;
  outcome: string;
  failure: string | null;
  events: SprintEvent[];
  firstEntry: number;
  /** JSON text of a list. */
  timeline: string;
}

/** The session as the engine has it. */
export function stateOf(session: LockedSession): SessionState {
  const { memory } = session;
  const until = session.waitUntil?.getTime() ?? null;
  return {
    sessionId: session.id,
    // The engine needs only to know that it has ended.
    status: session.status === 'cancelled' ? 'expired' : session.status,
    nodeId: session.currentNodeId,
    wait: memory?.wait ? { ...memory.wait, until: memory.wait.kind === 'http' ? null : until } : null,
    context: parseObject(session.context),
    contact: memory?.contact ?? { id: session.contactId },
    reply: memory?.reply ?? null,
    sprints: memory?.sprints ?? 1,
    nodes: memory?.nodes ?? 0,
    entries: session.entries,
    waits: memory?.waits ?? 0,
    startedAt: session.createdAt.getTime(),
    lastInteractionAt: session.lastInteractionAt.getTime(),
    expiresAt: session.expiresAt.getTime(),
    outcome: '',
    failure: null,
  };
}

/** Columns of a sprint that ran from a state at a time; sequence is the session's before it. */
export function columnsOf(
  sprint: Sprint,
  before: SessionState,
  now: number,
  session: { flow: CompiledFlow; contactId: string; sequence: number },
): SprintColumns {
  const { state, effects, timeline } = sprint;
  const { wait, reply, contact, sprints, nodes, waits, failure } = state;
  const memory: Memory = { wait, reply, contact, sprints, nodes, waits };
  return {
    status: state.status,
    nodeId: state.nodeId,
    context: state.context === before.context ? null : JSON.stringify(state.context),
    memory: JSON.stringify(memory),
    waitKind: wait?.kind ?? null,
    waitMs: wait?.kind === 'http' ? 0 : wait && wait.until !== null ? wait.until - now : null,
    entries: state.entries,
    outcome: state.outcome,
    failure:
      failure && JSON.stringify({ code: failure.code, node_id: failure.nodeId, message: failure.message }),
    events: effectEvents(effects, { ...session, sessionId: state.sessionId }),
    firstEntry: before.entries + 1,
    timeline: JSON.stringify(
      timeline.map(({ type, nodeId, handle, detail, warnings }) => ({
        type,
        nodeId,
        handle,
        detail,
        warnings,
      })),
    ),
  };
}

/** The object in a JSON text that was checked when it was written. */
export function parseObject(text: string): JsonObject {
  const value = JSON.parse(text) as JsonObject;
  return isJsonObject(value) ? value : {};
}
