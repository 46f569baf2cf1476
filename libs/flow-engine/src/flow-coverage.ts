import type { CompiledFlow } from './compile-flow.ts';
import type { TimelineEntry } from './session-state.ts';

/** Which of a flow's nodes sessions entered, and by which handles they left them; in the order of the definition. */
export interface FlowCoverage {
  nodes: NodeCoverage[];
}

export interface NodeCoverage {
  id: string;
  entered: boolean;
  /** Every handle the node has, with an edge or without. */
  handles: { id: string; taken: boolean }[];
}

/** What a timeline shows of a flow. */
export function coverageOf(
  flow: CompiledFlow,
  timeline: readonly Pick<TimelineEntry, 'nodeId' | 'handle'>[],
): FlowCoverage {
  const taken = new Map<string, Set<string>>();
  for (const { nodeId, handle } of timeline) {
    const handles = taken.get(nodeId) ?? new Set<string>();
    taken.set(nodeId, handles.add(handle));
  }
  const nodes = [...flow.nodes.values()].map(({ id, handles }) => ({
    id,
    entered: taken.has(id),
    handles: handles.map((handle) => ({ id: handle, taken: taken.get(id)?.has(handle) ?? false })),
  }));
  return { nodes };
}

/** What several simulations of one flow cover together. At least one. */
export function joinCoverage([first, ...others]: [FlowCoverage, ...FlowCoverage[]]): FlowCoverage {
  const nodes = first.nodes.map(({ id, entered, handles }, at) => ({
    id,
    entered: entered || others.some(({ nodes }) => nodes[at]?.entered),
    handles: handles.map((handle, place) => ({
      id: handle.id,
      taken: handle.taken || others.some(({ nodes }) => nodes[at]?.handles[place]?.taken),
    })),
  }));
  return { nodes };
}

/** How much is covered: nodes and handles together, each counting the same; 1 for a flow without any. */
export function coveredShare({ nodes }: FlowCoverage): number {
  const all = nodes.flatMap(({ entered, handles }) => [entered, ...handles.map(({ taken }) => taken)]);
  return all.length === 0 ? 1 : all.filter(Boolean).length / all.length;
}
