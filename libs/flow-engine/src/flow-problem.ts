/** What refuses publishing. docs/flows.md explains each; a test holds the two lists together. */
export const FLOW_ERROR_CODES = [
  'GRAPH_MALFORMED',
  'TOO_MANY_NODES',
  'TOO_MANY_PATTERNS',
  'NODE_ID_DUPLICATE',
  'NODE_TYPE_UNKNOWN',
  'NODE_DATA_INVALID',
  'TEMPLATE_INVALID',
  'ENTRY_NODE_TWICE',
  'EDGE_TO_NOWHERE',
  'HANDLE_UNKNOWN',
  'HANDLE_TWICE',
  'CYCLE_WITHOUT_WAIT',
  'CHANNEL_LIMIT_EXCEEDED',
] as const;

/** What publishing accepts but finds worth saying. */
export const FLOW_WARNING_CODES = [
  'NO_ENTRY_NODE',
  'NODE_UNREACHABLE',
  'HANDLE_WITHOUT_EDGE',
  'TIMEOUT_NOT_SHORTER_THAN_TTL',
  'VALUE_UNESCAPED',
  'BODY_NOT_JSON',
  'VALUE_UNKNOWN',
  'COMPARISON_CONSTANT',
  'FIELD_UNKNOWN',
] as const;

/** The stable name of a problem. Names are added, never changed. */
export type FlowProblemCode = (typeof FLOW_ERROR_CODES)[number] | (typeof FLOW_WARNING_CODES)[number];

/** Something the publishing checks found in a flow. */
export interface FlowProblem {
  code: FlowProblemCode;
  /** Where: a path into the definition, such as `nodes[2].data.text` or `edges[3].sourceHandle`. */
  field: string;
  /** What is wrong, in English. */
  message: string;
  /** The node concerned; empty where none is. */
  nodeId: string;
}

/** How many errors, and how many warnings, are reported at most; checking stops there. */
export const MAX_PROBLEMS = 100;

/** Collects problems and keeps the first MAX_PROBLEMS. */
export class ProblemList {
  readonly problems: FlowProblem[] = [];

  get isFull(): boolean {
    return this.problems.length >= MAX_PROBLEMS;
  }

  add(code: FlowProblemCode, field: string, message: string, nodeId = ''): void {
    if (!this.isFull) this.problems.push({ code, field, message, nodeId });
  }
}

/** A name out of a definition, in quotes and cut to a length that is fit to print. */
export function quote(name: string): string {
  const short = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return `"${short.toWellFormed()}"`;
}
