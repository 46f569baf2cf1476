import type { CompiledFlow, CompiledNode } from './compile-flow.ts';
import { noted, takeAnswer, takeReply, takeTimeout } from './end-wait.ts';
import type { JsonObject } from './json-value.ts';
import { runNode } from './run-node.ts';
import type { SessionState, Sprint, SprintInput } from './session-state.ts';
import { SprintDraft } from './sprint-draft.ts';

const MAX_NODES = 100;
const MAX_VISITS = 10;
const MAX_SPRINTS = 500;
const MAX_NODES_OF_SESSION = 5_000;

/** What a session begins with. */
export interface NewSessionFacts {
  sessionId: string;
  context: JsonObject;
  /** What `{{contact.…}}` reads. */
  contact: JsonObject;
}

/** A session that is about to start. */
export function newSession(flow: CompiledFlow, facts: NewSessionFacts, now: number): SessionState {
  return {
    ...facts,
    status: 'running',
    nodeId: flow.entryNodeId ?? '',
    wait: null,
    reply: null,
    sprints: 0,
    nodes: 0,
    entries: 0,
    waits: 0,
    startedAt: now,
    lastInteractionAt: now,
    expiresAt: now + flow.sessionTtlMinutes * 60_000,
    outcome: '',
    failure: null,
  };
}

/**
 * Runs a session from an input to its next rest or its end. Pure: the same arguments give the same sprint, the state it is
 * given stays as it is, and it never throws. An input that the session does not wait for is noted in the timeline and
 * changes nothing else.
 */
export function runSprint(flow: CompiledFlow, state: SessionState, input: SprintInput, now: number): Sprint {
  const draft = new SprintDraft(flow, state, now);
  const ignored = reasonToIgnore(state, input, now);
  if (ignored !== undefined) {
    draft.note('ignored', state.nodeId, { input: input.type, reason: ignored, ...told(input) });
  } else if (now >= state.expiresAt) {
    draft.expire();
  } else if (state.sprints >= MAX_SPRINTS) {
    draft.fail('TOO_MANY_SPRINTS', state.nodeId, `the session has run ${MAX_SPRINTS} times`);
  } else {
    draft.state.sprints += 1;
    begin(draft, input);
    if (draft.effort.isOver) failForEffort(draft);
  }
  return draft.result;
}

/** Why an input is not for the session as it stands. */
function reasonToIgnore({ status, wait, sprints, expiresAt }: SessionState, input: SprintInput, now: number) {
  if (status !== 'running') return 'ended';
  if (input.type === 'start') return sprints > 0 ? 'started' : undefined;
  if (now >= expiresAt) return undefined;
  if (!wait || KINDS[input.type].every((kind) => kind !== wait.kind)) return 'not_waiting';
  if (input.waitId !== wait.id && !(input.type === 'reply' && input.waitId === 0)) return 'other_wait';
  if (input.type === 'timeout' && (wait.until === null || now < wait.until)) return 'too_early';
  return undefined;
}

/** The waits that an input can end. */
const KINDS = { reply: ['reply'], timeout: ['reply', 'delay'], http_answer: ['http'] } as const;

function told(input: SprintInput): JsonObject {
  return input.type === 'reply' ? { text: noted(input.text || input.choice) } : {};
}

function begin(draft: SprintDraft, input: SprintInput): void {
  const node = draft.flow.nodes.get(draft.state.nodeId);
  if (!node) {
    draft.fail('NODE_MISSING', draft.state.nodeId, 'the flow has no such node');
  } else if (input.type === 'start') {
    draft.note('started', node.id, {}, 'default');
    goOn(draft, node, 'default');
  } else {
    goOn(draft, node, endWait(draft, node, input));
  }
}

/** Ends the wait that the input is for. */
function endWait(draft: SprintDraft, node: CompiledNode, input: SprintInput): string | undefined {
  const { wait } = draft.state;
  if (wait?.kind === 'reply' && node.type === 'ask' && input.type === 'reply') {
    return takeReply(draft, wait, node, input);
  }
  if (wait?.kind === 'http' && node.type === 'http_request' && input.type === 'http_answer') {
    return takeAnswer(draft, wait, node, input.answer);
  }
  if (wait?.kind === 'reply' && node.type === 'ask' && input.type === 'timeout')
    return takeTimeout(draft, wait);
  if (wait?.kind === 'delay' && node.type === 'delay') return takeTimeout(draft, wait);
  draft.fail('NODE_MISSING', node.id, 'the flow has no such node to wait at');
  return undefined;
}

/** Leaves a node by a handle and runs what follows, until the session rests or ends. */
function goOn(draft: SprintDraft, from: CompiledNode, leftBy: string | undefined): void {
  const visits = new Map<string, number>();
  let node = from;
  let handle = leftBy;
  for (let count = 1; handle !== undefined; count++) {
    const next = draft.flow.nodes.get(node.next.get(handle) ?? '');
    // Before it can come to an end that it would not have come to.
    if (draft.effort.isOver) return;
    if (!next) return endAt(draft, node, handle);
    if (count > MAX_NODES) {
      return draft.fail('SPRINT_TOO_LONG', next.id, `more than ${MAX_NODES} nodes without a wait`);
    }
    const visit = (visits.get(next.id) ?? 0) + 1;
    visits.set(next.id, visit);
    if (visit > MAX_VISITS) {
      return draft.fail('NODE_REPEATED', next.id, `more than ${MAX_VISITS} times without a wait`);
    }
    draft.state.nodes += 1;
    if (draft.state.nodes > MAX_NODES_OF_SESSION) {
      return draft.fail('SESSION_TOO_LONG', next.id, `more than ${MAX_NODES_OF_SESSION} nodes`);
    }
    node = next;
    handle = runNode(draft, node);
  }
}

function failForEffort(draft: SprintDraft): void {
  if (draft.state.status === 'running') {
    draft.fail('SPRINT_TOO_LONG', draft.state.nodeId, 'its texts and conditions are too much to work out');
  }
}

/** A handle without an edge. */
function endAt(draft: SprintDraft, node: CompiledNode, handle: string): void {
  if (node.type === 'http_request' && handle === 'failure') {
    draft.fail('HTTP_REQUEST_FAILED', node.id, 'the request failed, and no edge leaves its failure');
  } else {
    draft.complete(node.id, '');
  }
}
