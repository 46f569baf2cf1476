import { checkFlow } from '../check-flow.ts';
import { compileFlow } from '../compile-flow.ts';
import type { CompiledFlow, FlowFacts } from '../compile-flow.ts';
import type { JsonObject } from '../json-value.ts';
import { newSession, runSprint } from '../run-sprint.ts';
import type { HttpAnswer, Message, SessionState, Sprint, SprintInput } from '../session-state.ts';

export const NOW = Date.UTC(2026, 4, 7, 10);
export const MINUTE = 60_000;
export const TTL_MINUTES = 30;

const FACTS: FlowFacts = {
  id: 'flow-1',
  name: 'Cart',
  version: 3,
  sessionTtlMinutes: TTL_MINUTES,
  channel: '',
};
const LINE = /^(?<source>[^.\s]+)(?:\.(?<sourceHandle>\S+))? -> (?<target>\S+)$/;

export interface NodeDefinition {
  id: string;
  type: string;
  data: object;
}

export const node = (id: string, type: string, data: object = {}): NodeDefinition => ({ id, type, data });
export const entry = node('start', 'entry');
export const say = (id: string, text: string): NodeDefinition => node(id, 'send_message', { text });
export const set = (id: string, assign: object): NodeDefinition => node(id, 'set', { assign });
export const ask = (id: string, more: object = {}): NodeDefinition =>
  node(id, 'ask', { text: 'Well?', input: { kind: 'text' }, ...more });
export const get = (id: string, more: object = {}): NodeDefinition =>
  node(id, 'http_request', { method: 'GET', url: 'https://shop.example/', ...more });

/** A definition of nodes, and of edges such as `ask.yes -> pay`. */
export function graph(nodes: NodeDefinition[], ...lines: string[]): object {
  return {
    nodes,
    edges: lines.map((line) => {
      const edge = LINE.exec(line)?.groups;
      if (!edge) throw new Error(`No edge: ${line}`);
      return { ...edge };
    }),
  };
}

/** Nodes that follow one another by their default handles, from an entry node. */
export function chain(...nodes: NodeDefinition[]): object {
  const all = [entry, ...nodes];
  return graph(all, ...nodes.map(({ id }, index) => `${all[index]!.id} -> ${id}`));
}

/** Compiles what could be published. */
export function published(definition: object, facts: Partial<FlowFacts> = {}): CompiledFlow {
  const { errors } = checkFlow(definition, { sessionTtlMinutes: TTL_MINUTES, channel: '' });
  if (errors[0]) throw new Error(`${errors[0].field}: ${errors[0].message}`);
  return compileFlow(definition, { ...FACTS, ...facts });
}

/** Compiles what the publishing checks may refuse, such as a cycle without a wait. */
export function unchecked(definition: object): CompiledFlow {
  return compileFlow(definition, FACTS);
}

/** A session in a test, at a time that the test lets pass. */
export class Conversation {
  readonly flow: CompiledFlow;
  now = NOW;
  state: SessionState;
  /** What the last input came to. */
  last!: Sprint;

  /** A session that has run its first sprint. */
  constructor(
    flow: CompiledFlow | object,
    facts: { context?: JsonObject; contact?: JsonObject; sessionId?: string } = {},
  ) {
    this.flow = 'entryNodeId' in flow ? flow : published(flow);
    this.state = newSession(this.flow, { sessionId: 's-1', context: {}, contact: {}, ...facts }, NOW);
    this.input({ type: 'start' });
  }

  input(input: SprintInput): this {
    this.last = runSprint(this.flow, this.state, input, this.now);
    this.state = this.last.state;
    return this;
  }

  reply(text: string, choice = '', waitId = 0): this {
    return this.input({ type: 'reply', waitId, text, choice });
  }

  /** The time of the present wait. */
  timeout(waitId = this.state.wait?.id ?? 0): this {
    return this.input({ type: 'timeout', waitId });
  }

  answer(answer: HttpAnswer, waitId = this.state.wait?.id ?? 0): this {
    return this.input({ type: 'http_answer', waitId, answer });
  }

  pass(ms: number): this {
    this.now += ms;
    return this;
  }

  /** The messages of the last sprint. */
  get messages(): Message[] {
    return this.last.effects.filter((effect) => effect.type === 'message');
  }

  /** Their texts. */
  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  /** The warnings of the last sprint. */
  get warnings(): string[] {
    return this.last.timeline.flatMap(({ warnings }) => warnings);
  }

  /** Types of the last sprint's timeline entries, with the handles taken. */
  get story(): string[] {
    return this.last.timeline.map(({ type, nodeId, handle }) =>
      [type, nodeId, handle].filter((part) => part !== '').join(' '),
    );
  }

  /** What is left of a running session: its status, and what it waits for. */
  get rest(): string {
    const { status, nodeId, wait } = this.state;
    return [status, nodeId, wait?.kind ?? 'nothing'].join(' ');
  }
}
