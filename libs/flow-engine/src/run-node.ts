import type { CompiledNode } from './compile-flow.ts';
import { holds } from './comparison.ts';
import { valueAt } from './json-value.ts';
import type { JsonObject, JsonValue } from './json-value.ts';
import { evaluate, render } from './render.ts';
import type { Scope, Template } from './render.ts';
import type { HttpRequest, Message, Wait } from './session-state.ts';
import type { SprintDraft } from './sprint-draft.ts';

type NodeOf<Type extends CompiledNode['type']> = CompiledNode & { type: Type };
/** A wait, but for what every wait has. */
type WaitContent<Kind = Wait> = Kind extends Wait ? Omit<Kind, 'id' | 'nodeId' | 'until'> : never;

const MAX_TAGS = 100;

/** Runs a node. Gives the handle it is left by; undefined where the session rests at it or has ended. */
export function runNode(draft: SprintDraft, node: CompiledNode): string | undefined {
  draft.state.nodeId = node.id;
  switch (node.type) {
    case 'entry':
      draft.note('node', node.id, { node: node.type }, 'default');
      return 'default';
    case 'send_message':
      return sendMessage(draft, node);
    case 'ask':
      return ask(draft, node);
    case 'condition':
      return choose(draft, node);
    case 'set':
      return set(draft, node);
    case 'delay':
      return delay(draft, node);
    case 'http_request':
      return request(draft, node);
    case 'handoff':
      return handOff(draft, node);
    case 'end':
      draft.complete(node.id, node.outcome);
      return undefined;
  }
}

/** Of a template message's variable: with 32 of them a message stays below the megabyte that NATS takes, whatever they are. */
const MAX_VARIABLE = 4_096;

function sendMessage(draft: SprintDraft, node: NodeOf<'send_message'>): string {
  const warnings: string[] = [];
  const { scope } = draft;
  const message: Message = {
    text: node.text ? render(node.text, scope, warnings) : '',
    template: node.template
      ? { ...node.template, variables: renderAll(node.template.variables, scope, warnings, MAX_VARIABLE) }
      : null,
    media: mediaOf(node.media, scope, warnings),
    choices: [],
    waitId: 0,
  };
  const detail: JsonObject = { node: node.type, effect_id: draft.nextEffectId, text: message.text };
  if (message.template) detail['template'] = message.template.name;
  if (message.media) detail['media'] = message.media.url;
  draft.emit(node.id, { type: 'message', ...message });
  draft.note('node', node.id, detail, 'default', warnings);
  return 'default';
}

/** Publishing sees to it that a literal address leads to the web; one that is all template can come to anything. */
function mediaOf(media: NodeOf<'send_message'>['media'], scope: Scope, warnings: string[]): Message['media'] {
  if (!media) return null;
  const url = render(media.url, scope, warnings);
  if (!/^https?:\/\//i.test(url)) {
    warnings.push('the media was left out: its url starts with neither http:// nor https://');
    return null;
  }
  return { type: media.type, url, caption: render(media.caption, scope, warnings) };
}

/** Sends a question's text; again, after an invalid answer. */
export function sendQuestion(
  draft: SprintDraft,
  node: NodeOf<'ask'>,
  text: Template,
  waitId: number,
): JsonObject {
  const warnings: string[] = [];
  const rendered = render(text, draft.scope, warnings);
  const detail: JsonObject = {
    node: node.type,
    effect_id: draft.nextEffectId,
    text: rendered,
    wait_id: waitId,
  };
  const choices = node.choices.map(({ id, title }) => ({ id, title }));
  draft.emit(node.id, { type: 'message', text: rendered, template: null, media: null, choices, waitId });
  draft.note('node', node.id, detail, '', warnings);
  return detail;
}

function ask(draft: SprintDraft, node: NodeOf<'ask'>): undefined {
  const wait = rest(draft, node.id, { kind: 'reply', attempts: 0 }, node.timeoutMs);
  const detail = sendQuestion(draft, node, node.text, wait.id);
  detail['until'] = untilOf(wait);
}

function choose(draft: SprintDraft, node: NodeOf<'condition'>): string {
  const { scope } = draft;
  const found = node.cases.find(({ any, comparisons }) =>
    any
      ? comparisons.some((comparison) => holds(comparison, scope))
      : comparisons.every((comparison) => holds(comparison, scope)),
  );
  const handle = found?.id ?? 'else';
  draft.note('node', node.id, { node: node.type, case: handle }, handle);
  return handle;
}

function set(draft: SprintDraft, node: NodeOf<'set'>): string | undefined {
  const warnings: string[] = [];
  const { scope } = draft;
  // All of them read the context as it was before the node.
  const changes = node.assign.map(([path, template]): [string[], JsonValue] => [
    path,
    typeof template === 'object' && template !== null
      ? (evaluate(template, scope, warnings) ?? null)
      : template,
  ]);
  if (changes.length > 0 && !draft.changeContext(changes, node.id)) return undefined;
  const detail: JsonObject = { node: node.type };
  if (node.assign.length > 0)
    detail['assigned'] = node.assign.map(([path]) => ['context', ...path].join('.'));
  if (node.add.length > 0 || node.remove.length > 0) {
    detail['effect_id'] = draft.nextEffectId;
    // A tag in both lists is taken away.
    detail['tags_added'] = node.add.filter((tag) => !node.remove.includes(tag));
    detail['tags_removed'] = [...node.remove];
    changeTags(draft, node);
    draft.emit(node.id, { type: 'tags', add: [...node.add], remove: [...node.remove] });
  }
  draft.note('node', node.id, detail, 'default', warnings);
  return 'default';
}

/** As the contact service will: so that the flow sees what it asked for. */
function changeTags(draft: SprintDraft, { add, remove }: NodeOf<'set'>): void {
  const before = valueAt(draft.state.contact, ['tags']);
  const kept = (Array.isArray(before) ? before : []).filter((tag) => !remove.some((gone) => gone === tag));
  const tags = [...new Set([...kept, ...add.filter((tag) => !remove.includes(tag))])].slice(0, MAX_TAGS);
  draft.state.contact = { ...draft.state.contact, tags };
}

function delay(draft: SprintDraft, node: NodeOf<'delay'>): undefined {
  const wait = rest(draft, node.id, { kind: 'delay' }, node.ms);
  draft.note('node', node.id, { node: node.type, wait_id: wait.id, until: untilOf(wait) });
}

function request(draft: SprintDraft, node: NodeOf<'http_request'>): undefined {
  const warnings: string[] = [];
  const { scope } = draft;
  const request: HttpRequest = {
    effectId: draft.nextEffectId,
    method: node.method,
    url: render(node.url, scope, warnings),
    headers: renderAll(node.headers, scope, warnings).map(([name, value]) => [name, headerText(value)]),
    body: node.body ? render(node.body, scope, warnings) : null,
    timeoutMs: node.timeoutMs,
  };
  const wait = rest(draft, node.id, { kind: 'http', request }, undefined);
  const detail: JsonObject = {
    node: node.type,
    effect_id: request.effectId,
    method: request.method,
    url: request.url,
    wait_id: wait.id,
  };
  draft.note('node', node.id, detail, '', warnings);
}

function handOff(draft: SprintDraft, node: NodeOf<'handoff'>): string {
  const warnings: string[] = [];
  const note = render(node.note, draft.scope, warnings);
  const detail: JsonObject = { node: node.type, effect_id: draft.nextEffectId, queue: node.queue, note };
  draft.emit(node.id, { type: 'handoff', queue: node.queue, note });
  draft.note('node', node.id, detail, 'default', warnings);
  return 'default';
}

/** Lets the session rest at a node. A time at or past the session's end is not armed: the session expires first. */
function rest(draft: SprintDraft, nodeId: string, content: WaitContent, timeoutMs: number | undefined): Wait {
  const { state, now } = draft;
  state.waits += 1;
  const until = timeoutMs === undefined || now + timeoutMs >= state.expiresAt ? null : now + timeoutMs;
  const wait: Wait = { ...content, id: state.waits, nodeId, until };
  state.wait = wait;
  return wait;
}

function untilOf({ until }: Wait): string | null {
  return until === null ? null : new Date(until).toISOString();
}

function renderAll(
  templates: [string, Template][],
  scope: Scope,
  warnings: string[],
  limit?: number,
): [string, string][] {
  return templates.map(([name, template]) => [name, render(template, scope, warnings, limit)]);
}

/** Headers hold one line of Latin-1. */
function headerText(value: string): string {
  // eslint-disable-next-line no-control-regex -- those are what must not get through
  return value.replace(/[\u0000-\u001f\u007f]+/g, ' ').replace(/[^\u0020-\u00ff]/g, '?');
}
