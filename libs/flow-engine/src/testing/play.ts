import { compileFlow, type CompiledFlow } from '../compile-flow.ts';
import type { JsonObject } from '../json-value.ts';
import { newSession, runSprint } from '../run-sprint.ts';
import type { SessionState, Sprint, SprintInput } from '../session-state.ts';

export const START = Date.parse('2026-05-07T08:14:23.000Z');
export const MINUTE = 60_000;

export interface TestNode {
  id: string;
  type: string;
  data?: unknown;
}

/** A flow of nodes in a row, each left by its default handle or the one named, with further edges as [source, handle, target]. */
export function chain(nodes: TestNode[], edges: [string, string, string][] = []): CompiledFlow {
  const all = [{ id: 'start', type: 'entry' }, ...nodes];
  const row = all.slice(1).map(({ id }, index) => ({ source: all[index]!.id, target: id }));
  const own = edges.map(([source, sourceHandle, target]) => ({ source, sourceHandle, target }));
  const taken = new Set(own.map(({ source }) => source));
  const definition = {
    nodes: all,
    edges: [
      ...row.filter(
        ({ source }) => !taken.has(source) && leftByDefault(all.find(({ id }) => id === source)!),
      ),
      ...own,
    ],
  };
  return compileFlow(definition, { id: 'f1', name: 'Cart', version: 2, sessionTtlMinutes: 30 });
}

function leftByDefault({ type }: TestNode): boolean {
  return !['ask', 'condition', 'http_request', 'end'].includes(type);
}

/** A session, played by hand. */
export class Play {
  readonly flow: CompiledFlow;
  state: SessionState;
  now = START;

  constructor(flow: CompiledFlow, context: JsonObject = {}, contact: JsonObject = {}) {
    this.flow = flow;
    this.state = newSession(flow, { sessionId: 's', context, contact }, START);
  }

  start(): Sprint {
    return this.take({ type: 'start' });
  }

  reply(text: string, change: Partial<SprintInput & { type: 'reply' }> = {}): Sprint {
    return this.take({ type: 'reply', waitId: 0, text, choice: '', ...change });
  }

  timeout(waitId = this.state.wait?.id ?? 0): Sprint {
    return this.take({ type: 'timeout', waitId });
  }

  answer(answer: (SprintInput & { type: 'http_answer' })['answer']): Sprint {
    return this.take({ type: 'http_answer', waitId: this.state.wait?.id ?? 0, answer });
  }

  take(input: SprintInput): Sprint {
    const sprint = runSprint(this.flow, this.state, input, this.now);
    this.state = sprint.state;
    return sprint;
  }
}

/** The texts of a sprint's messages. */
export function texts({ effects }: Sprint): string[] {
  return effects.flatMap((effect) => (effect.type === 'message' ? [effect.text] : []));
}

/** What a text renders to in a session. */
export function rendered(text: string, context: JsonObject = {}, contact: JsonObject = {}) {
  const sprint = new Play(
    chain([{ id: 'say', type: 'send_message', data: { text } }]),
    context,
    contact,
  ).start();
  return { text: texts(sprint)[0], warnings: sprint.timeline[1]!.warnings };
}
