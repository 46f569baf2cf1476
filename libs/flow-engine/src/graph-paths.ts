import type { GraphEdge, GraphNode } from './flow-graph.ts';

/** The nodes that can be reached from some nodes, those included. */
export function reachableFrom(starts: GraphNode[]): Set<GraphNode> {
  const reached = new Set(starts);
  // A Set's iterator also visits what is added meanwhile.
  for (const node of reached) {
    for (const { target } of node.outgoing) reached.add(target);
  }
  return reached;
}

/**
 * The edges that close a cycle all of whose nodes satisfy `counts`; taking them out would leave none. Without
 * recursion, for a graph may be one long chain.
 */
export function cycleClosingEdges(
  nodes: Iterable<GraphNode>,
  counts: (node: GraphNode) => boolean,
): GraphEdge[] {
  const closing: GraphEdge[] = [];
  const seen = new Set<GraphNode>();
  for (const start of nodes) {
    if (seen.has(start) || !counts(start)) continue;
    seen.add(start);
    // The path from `start` to where the search is, with the edges not yet tried.
    const path = [{ node: start, untried: start.outgoing.values() }];
    const onPath = new Set([start]);
    for (let last = path.at(-1); last; last = path.at(-1)) {
      const edge = last.untried.next().value;
      if (!edge) {
        onPath.delete(last.node);
        path.pop();
      } else if (onPath.has(edge.target)) {
        closing.push(edge);
      } else if (!seen.has(edge.target) && counts(edge.target)) {
        seen.add(edge.target);
        onPath.add(edge.target);
        path.push({ node: edge.target, untried: edge.target.outgoing.values() });
      }
    }
  }
  return closing;
}
