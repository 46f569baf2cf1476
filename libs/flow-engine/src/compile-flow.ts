import type { Choice, InputRule } from './answer.ts';
import type { Comparison, Operand } from './comparison.ts';
import { readGraph } from './flow-graph.ts';
import type { GraphNode } from './flow-graph.ts';
import { handlesOf } from './flow-node.ts';
import type { FlowNode } from './flow-node.ts';
import { ProblemList } from './flow-problem.ts';
import { compileTemplate } from './render.ts';
import type { Template } from './render.ts';
import type { HttpRequest, Message } from './session-state.ts';

/** What the engine has to know of a version beside its definition. */
export interface FlowFacts {
  id: string;
  name: string;
  version: number;
  /** How long a session lasts without an interaction, in minutes. */
  sessionTtlMinutes: number;
  /** The channel its messages are for; empty: any. */
  channel: string;
}

/** A version of a flow, read once so that running it is cheap. Never changes. */
export interface CompiledFlow extends FlowFacts {
  /** Undefined when there is none: such a flow cannot be started. */
  entryNodeId: string | undefined;
  nodes: ReadonlyMap<string, CompiledNode>;
}

export type CompiledNode = {
  id: string;
  /** Every handle it has, in the order it offers them. */
  handles: readonly string[];
  /** Where the handles with an edge lead. */
  next: ReadonlyMap<string, string>;
} & NodeProgram;

/** A node's data with its texts and patterns parsed. */
export type NodeProgram =
  | { type: 'entry' }
  | {
      type: 'send_message';
      text: Template | undefined;
      template: { name: string; language: string; variables: [string, Template][] } | undefined;
      media: { type: NonNullable<Message['media']>['type']; url: Template; caption: Template } | undefined;
    }
  | {
      type: 'ask';
      text: Template;
      choices: Choice[];
      /** Set if and only if there are no choices. */
      input: InputRule | undefined;
      saveAs: string | undefined;
      timeoutMs: number | undefined;
      maxAttempts: number;
      invalidText: Template;
    }
  | { type: 'condition'; cases: ConditionCase[] }
  | {
      type: 'set';
      assign: [path: string[], value: Template | number | boolean | null][];
      add: string[];
      remove: string[];
    }
  | { type: 'delay'; ms: number }
  | {
      type: 'http_request';
      method: HttpRequest['method'];
      url: Template;
      headers: [string, Template][];
      body: Template | undefined;
      timeoutMs: number;
      saveAs: string | undefined;
    }
  | { type: 'handoff'; queue: string; note: Template }
  | { type: 'end'; outcome: string };

export interface ConditionCase {
  id: string;
  /** Whether one of the comparisons is enough. */
  any: boolean;
  comparisons: Comparison[];
}

const MINUTE_MS = 60_000;

/**
 * Reads a version's definition. What checkFlow finds no error in can be compiled, and running it never throws.
 * @throws Error for a definition whose nodes or edges are invalid
 */
export function compileFlow(definition: unknown, facts: FlowFacts): CompiledFlow {
  const errors = new ProblemList();
  const graph = readGraph(definition, errors);
  const [error] = errors.problems;
  if (!graph || error) throw new Error(`Not a flow that can run: ${error?.field}: ${error?.message}`);
  const nodes = new Map<string, CompiledNode>();
  for (const node of graph.values()) nodes.set(node.id, compileNode(node));
  const entry = [...nodes.values()].find(({ type }) => type === 'entry');
  return { ...facts, entryNodeId: entry?.id, nodes };
}

function compileNode({ id, content, outgoing }: GraphNode): CompiledNode {
  const next = new Map(outgoing.map(({ handle, target }) => [handle, target.id]));
  // readGraph has reported every node that it could not read.
  return { id, handles: handlesOf(content!), next, ...compileData(content!) };
}

function compileData({ type, data }: FlowNode): NodeProgram {
  switch (type) {
    case 'entry':
      return { type };
    case 'send_message':
      return {
        type,
        text: optionalTemplate(data.text),
        template: data.template && {
          ...data.template,
          variables: templatesOf(data.template.variables),
        },
        media: data.media && {
          type: data.media.type,
          url: compileTemplate(data.media.url),
          caption: compileTemplate(data.media.caption ?? ''),
        },
      };
    case 'ask':
      return {
        type,
        text: compileTemplate(data.text),
        choices: data.choices ?? [],
        input: data.input && { kind: data.input.kind, pattern: data.input.pattern },
        saveAs: data.save_as,
        timeoutMs: data.timeout_minutes === undefined ? undefined : data.timeout_minutes * MINUTE_MS,
        maxAttempts: data.max_attempts,
        invalidText: compileTemplate(data.invalid_text ?? data.text),
      };
    case 'condition':
      return {
        type,
        cases: data.cases.map(({ id, all, any }) => ({
          id,
          any: any !== undefined,
          comparisons: (any ?? all ?? []).map(compileComparison),
        })),
      };
    case 'set':
      return {
        type,
        assign: [...(data.assign ?? [])].map(([path, value]) => [
          path.split('.').slice(1),
          typeof value === 'string' ? compileTemplate(value) : value,
        ]),
        add: data.tags_add ?? [],
        remove: data.tags_remove ?? [],
      };
    case 'delay':
      return { type, ms: data.minutes === undefined ? data.seconds! * 1_000 : data.minutes * MINUTE_MS };
    case 'http_request':
      return {
        type,
        method: data.method,
        url: compileTemplate(data.url),
        headers: templatesOf(data.headers),
        body: optionalTemplate(data.body),
        timeoutMs: data.timeout_ms,
        saveAs: data.save_as,
      };
    case 'handoff':
      return { type, queue: data.queue, note: compileTemplate(data.note ?? '') };
    case 'end':
      return { type, outcome: data.outcome ?? '' };
  }
}

type ComparisonData = (FlowNode & { type: 'condition' })['data']['cases'][number]['all'] & {};

function compileComparison(data: ComparisonData[number]): Comparison {
  const left = compileTemplate(data.left);
  switch (data.op) {
    case 'exists':
    case 'empty':
      return { left, op: data.op };
    case 'matches':
      return { left, op: data.op, right: data.right };
    case 'in':
      return { left, op: data.op, right: data.right.map(operandOf) };
    default:
      return { left, op: data.op, right: operandOf(data.right) };
  }
}

function operandOf(right: string | number | boolean): Operand {
  return typeof right === 'string' ? compileTemplate(right) : right;
}

function optionalTemplate(text: string | undefined): Template | undefined {
  return text === undefined ? undefined : compileTemplate(text);
}

function templatesOf(texts: ReadonlyMap<string, string> | undefined): [string, Template][] {
  return [...(texts ?? [])].map(([name, text]) => [name, compileTemplate(text)]);
}
