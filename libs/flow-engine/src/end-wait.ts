import { findChoice, MAX_ANSWER, readAnswer } from './answer.ts';
import type { CompiledNode } from './compile-flow.ts';
import type { Effort } from './effort.ts';
import { cleanText, reviveClean } from './json-value.ts';
import type { JsonObject, JsonValue } from './json-value.ts';
import { sendQuestion } from './run-node.ts';
import type { AcceptedReply, HttpAnswer, SprintInput, Wait } from './session-state.ts';
import type { SprintDraft } from './sprint-draft.ts';

type Input<Type extends SprintInput['type']> = SprintInput & { type: Type };
type WaitOf<Kind extends Wait['kind']> = Wait & { kind: Kind };
type NodeOf<Type extends CompiledNode['type']> = CompiledNode & { type: Type };

/** Characters of what came in that the timeline keeps. */
const MAX_NOTED = 1_000;

/** Takes the time of a wait as come. Gives the handle by which its node is left. */
export function takeTimeout(draft: SprintDraft, wait: WaitOf<'reply' | 'delay'>): string {
  const handle = wait.kind === 'reply' ? 'timeout' : 'default';
  draft.state.wait = null;
  draft.note('timeout', wait.nodeId, { wait_id: wait.id }, handle);
  return handle;
}

/** Takes a reply. Gives the handle by which the question is left; undefined where it was asked again, or the session failed. */
export function takeReply(
  draft: SprintDraft,
  wait: WaitOf<'reply'>,
  node: NodeOf<'ask'>,
  input: Input<'reply'>,
): string | undefined {
  const reply = readReply(node, input, draft.effort);
  return reply ? acceptReply(draft, wait, node, reply) : refuseReply(draft, wait, node, input);
}

function acceptReply(
  draft: SprintDraft,
  wait: WaitOf<'reply'>,
  node: NodeOf<'ask'>,
  reply: AcceptedReply,
): string | undefined {
  const { state, now, flow } = draft;
  Object.assign(state, {
    wait: null,
    reply,
    lastInteractionAt: now,
    expiresAt: now + flow.sessionTtlMinutes * 60_000,
  });
  const handle = reply.choice === '' ? 'answered' : reply.choice;
  const detail: JsonObject = { valid: true, wait_id: wait.id, text: noted(reply.text), value: reply.value };
  draft.note('reply', node.id, detail, handle);
  return save(draft, node, reply.value) ? handle : undefined;
}

function refuseReply(
  draft: SprintDraft,
  wait: WaitOf<'reply'>,
  node: NodeOf<'ask'>,
  { text, choice }: Input<'reply'>,
): string | undefined {
  const attempts = wait.attempts + 1;
  const detail: JsonObject = {
    valid: false,
    wait_id: wait.id,
    text: noted(text || choice),
    attempts_left: node.maxAttempts - attempts,
  };
  if (attempts >= node.maxAttempts) {
    draft.state.wait = null;
    draft.note('reply', node.id, detail, 'invalid');
    return 'invalid';
  }
  // The same wait: its timeout stays.
  draft.state.wait = { ...wait, attempts };
  draft.note('reply', node.id, detail);
  sendQuestion(draft, node, node.invalidText, wait.id);
  return undefined;
}

function readReply(
  node: NodeOf<'ask'>,
  { text, choice }: Input<'reply'>,
  effort: Effort,
): AcceptedReply | undefined {
  if (node.input) {
    const value = readAnswer(node.input, cleanText(text), effort);
    return value === undefined ? undefined : { text: keptText(text), choice: '', value };
  }
  const chosen = node.choices.find(({ id }) => id === choice) ?? findChoice(node.choices, cleanText(text));
  return chosen && { text: keptText(text) || chosen.title, choice: chosen.id, value: chosen.id };
}

/** Takes the answer to a request. Gives the handle by which it is left; undefined where the session failed. */
export function takeAnswer(
  draft: SprintDraft,
  wait: WaitOf<'http'>,
  node: NodeOf<'http_request'>,
  answer: HttpAnswer,
): string | undefined {
  draft.state.wait = null;
  const succeeded = 'status' in answer && answer.status >= 200 && answer.status < 300;
  const handle = succeeded ? 'success' : 'failure';
  const told: JsonObject =
    'status' in answer ? { status: answer.status } : { error: noted(cleanText(answer.error)) };
  draft.note('http_answer', node.id, { wait_id: wait.id, ...told }, handle);
  const value = 'status' in answer ? { ...told, body: bodyOf(answer.body) } : told;
  return save(draft, node, value) ? handle : undefined;
}

/** Keeps what a node was answered, where it wants to. Whether the session can go on. */
function save(draft: SprintDraft, node: NodeOf<'ask' | 'http_request'>, value: JsonValue): boolean {
  if (node.saveAs === undefined) return true;
  return draft.changeContext([[[node.saveAs], value]], node.id);
}

/** JSON is read, everything else kept as text. */
function bodyOf(body: string): JsonValue {
  try {
    return JSON.parse(body, reviveClean) as JsonValue;
  } catch {
    return cleanText(body);
  }
}

/** An answer as it was written, with the spaces around it, but not without end. */
function keptText(text: string): string {
  return cleanText(text.slice(0, MAX_ANSWER));
}

/** Cut and clean, for the timeline. */
export function noted(text: string): string {
  return cleanText(text.slice(0, MAX_NOTED));
}
