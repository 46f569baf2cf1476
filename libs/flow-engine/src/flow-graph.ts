import { issueText } from '@parley/errors';
import { isObject } from './data-fields.ts';
import { flowNode, handlesOf, NODE_TYPES } from './flow-node.ts';
import type { FlowNode, NodeType } from './flow-node.ts';
import { quote } from './flow-problem.ts';
import type { ProblemList } from './flow-problem.ts';
import { reportIssue } from './node-issue.ts';
import { expandedLength } from './safe-pattern.ts';

const MAX_NODES = 1000;
/** Of all conditions and questions: making one ready can take milliseconds. */
const MAX_PATTERNS = 100;
/** Of all of them, once their counted repetitions are written out: so long are 100 that take `.{1,300}`. */
const MAX_PATTERNS_EXPANDED = 30_000;
const MAX_ID_LENGTH = 64;

/** A node as far as it could be read. */
export interface GraphNode {
  id: string;
  /** Its path in the definition, `nodes[2]`. */
  field: string;
  /** Undefined when the type is unknown. */
  type: NodeType | undefined;
  /** As it was given. */
  data: unknown;
  /** Undefined when the type is unknown or the data invalid. */
  content: FlowNode | undefined;
  /** Edges from this node to nodes that exist, whatever their handle. */
  outgoing: GraphEdge[];
}

export interface GraphEdge {
  /** Its path in the definition, `edges[3]`. */
  field: string;
  source: GraphNode;
  target: GraphNode;
  /** Where it leaves; `default` when the definition names none. */
  handle: string;
}

/** Reads a definition into its nodes, by id, reporting what is broken. Undefined when it is no graph at all. */
export function readGraph(definition: unknown, errors: ProblemList): Map<string, GraphNode> | undefined {
  if (!isObject(definition)) {
    errors.add('GRAPH_MALFORMED', '', 'must be an object with nodes and edges');
    return undefined;
  }
  const { nodes, edges } = definition;
  if (!Array.isArray(nodes)) errors.add('GRAPH_MALFORMED', 'nodes', 'must be an array');
  if (!Array.isArray(edges)) errors.add('GRAPH_MALFORMED', 'edges', 'must be an array');
  if (!Array.isArray(nodes) || !Array.isArray(edges)) return undefined;
  if (nodes.length > MAX_NODES) {
    errors.add('TOO_MANY_NODES', 'nodes', `must not be more than ${MAX_NODES}`);
    return undefined;
  }
  const graph = new Map<string, GraphNode>();
  const patterns = { count: 0, expanded: 0 };
  for (const [index, node] of nodes.entries()) {
    // Before any of the node's is made ready.
    for (const pattern of patternsIn(node)) {
      patterns.count += 1;
      patterns.expanded += typeof pattern === 'string' ? expandedLength(pattern) : 0;
    }
    const problem = tooManyPatterns(patterns);
    if (problem !== undefined) {
      errors.add('TOO_MANY_PATTERNS', `nodes[${index}].data`, problem);
      return undefined;
    }
    readNode(node, `nodes[${index}]`, graph, errors);
  }
  for (const [index, edge] of edges.entries()) {
    if (errors.isFull) break;
    readEdge(edge, `edges[${index}]`, graph, errors);
  }
  reportHandles(graph, errors);
  return graph;
}

function tooManyPatterns({ count, expanded }: { count: number; expanded: number }): string | undefined {
  if (count > MAX_PATTERNS) return `a flow must not have more than ${MAX_PATTERNS} patterns`;
  if (expanded <= MAX_PATTERNS_EXPANDED) return undefined;
  return `the patterns of a flow must not be longer than ${MAX_PATTERNS_EXPANDED} together once repetitions are written out`;
}

/** The patterns that a node's data has, whatever else it has and whatever they are. */
function patternsIn(node: unknown): unknown[] {
  const data = isObject(node) && isObject(node['data']) ? node['data'] : {};
  const { cases, input } = data;
  const comparisons = (Array.isArray(cases) ? cases : [])
    .filter(isObject)
    .flatMap(({ all, any }) =>
      [all, any].flatMap((list: unknown): unknown[] => (Array.isArray(list) ? list : [])),
    );
  const matches = comparisons.filter(isObject).filter(({ op }) => op === 'matches');
  const patterns = matches.map(({ right }) => right);
  return isObject(input) && input['pattern'] !== undefined ? [...patterns, input['pattern']] : patterns;
}

function readNode(input: unknown, field: string, graph: Map<string, GraphNode>, errors: ProblemList): void {
  if (!isObject(input)) return errors.add('GRAPH_MALFORMED', field, 'must be an object');
  const { id } = input;
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) {
    return errors.add('GRAPH_MALFORMED', `${field}.id`, `must be a text of 1 to ${MAX_ID_LENGTH} characters`);
  }
  if (graph.has(id)) {
    errors.add('NODE_ID_DUPLICATE', `${field}.id`, `${quote(id)} is the id of another node`, id);
  }
  const type = NODE_TYPES.find((known) => known === input['type']);
  const node: GraphNode = {
    id,
    field,
    type,
    data: input['data'],
    content: readContent(type, input['data'], id, field, errors),
    outgoing: [],
  };
  // Edges mean the first node of that id.
  if (!graph.has(id)) graph.set(id, node);
}

function readContent(
  type: NodeType | undefined,
  data: unknown,
  id: string,
  field: string,
  errors: ProblemList,
): FlowNode | undefined {
  if (type === undefined) {
    errors.add('NODE_TYPE_UNKNOWN', `${field}.type`, `must be ${NODE_TYPES.join(', ')}`, id);
    return undefined;
  }
  if (errors.isFull) return undefined;
  const parsed = flowNode.safeParse({ type, data: data ?? {} }, { error: issueText });
  for (const issue of parsed.error?.issues ?? []) reportIssue(issue, field, id, errors);
  return parsed.data;
}

function readEdge(input: unknown, field: string, graph: Map<string, GraphNode>, errors: ProblemList): void {
  if (!isObject(input)) return errors.add('GRAPH_MALFORMED', field, 'must be an object');
  const source = readEnd(input['source'], `${field}.source`, graph, errors);
  const target = readEnd(input['target'], `${field}.target`, graph, errors);
  const handle = input['sourceHandle'] ?? 'default';
  if (typeof handle !== 'string') {
    return errors.add('GRAPH_MALFORMED', `${field}.sourceHandle`, 'must be a text or null', source?.id);
  }
  if (source && target) source.outgoing.push({ field, source, target, handle });
}

function readEnd(
  id: unknown,
  field: string,
  graph: Map<string, GraphNode>,
  errors: ProblemList,
): GraphNode | undefined {
  if (typeof id !== 'string') {
    errors.add('GRAPH_MALFORMED', field, 'must be the id of a node');
    return undefined;
  }
  const node = graph.get(id);
  if (!node) errors.add('EDGE_TO_NOWHERE', field, `there is no node ${quote(id)}`);
  return node;
}

function reportHandles(graph: Map<string, GraphNode>, errors: ProblemList): void {
  for (const { id, content, outgoing } of graph.values()) {
    if (!content) continue;
    const free = new Set(handlesOf(content));
    const taken = new Set<string>();
    for (const { field, handle } of outgoing) {
      if (taken.has(handle)) {
        errors.add('HANDLE_TWICE', `${field}.sourceHandle`, `another edge leaves ${quote(handle)} too`, id);
      } else if (free.delete(handle)) {
        taken.add(handle);
      } else {
        const message = `the node has no handle ${quote(handle)}${handlesThereAre(content, handle)}`;
        errors.add('HANDLE_UNKNOWN', `${field}.sourceHandle`, message, id);
      }
    }
  }
}

function handlesThereAre(node: FlowNode, handle: string): string {
  if (node.type === 'ask' && handle === 'timeout') return ': it has no timeout_minutes';
  const handles = handlesOf(node);
  if (handles.length === 0) return ': the session is over there';
  return `, but ${handles.slice(0, 12).map(quote).join(', ')}${handles.length > 12 ? ' …' : ''}`;
}
