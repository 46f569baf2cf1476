import type { GraphNode } from './flow-graph.ts';

/** A wait that the clock ends. */
interface TimedWait {
  minutes: number;
  /** The key of the data that says how long. */
  field: string;
  /** The handle by which the session leaves then. */
  handle: string;
  /** What is to be said of one that is too long. */
  what: string;
}

export function waitOf({ content }: GraphNode): TimedWait | undefined {
  if (content?.type === 'ask' && content.data.timeout_minutes !== undefined) {
    const { timeout_minutes: minutes } = content.data;
    return { minutes, field: 'timeout_minutes', handle: 'timeout', what: 'timeout never comes' };
  }
  if (content?.type === 'delay') {
    const { minutes, seconds = 0 } = content.data;
    const field = minutes === undefined ? 'seconds' : 'minutes';
    return { minutes: minutes ?? seconds / 60, field, handle: 'default', what: 'delay never ends' };
  }
  return undefined;
}

/**
 * How many minutes have passed since the contact last answered, or since the start, when a node is reached on the quickest way: an
 * answer begins anew, a timeout and a delay take their time, and everything else takes none. Of nodes that a session reaches in
 * time only.
 */
export function leastSilence(entries: GraphNode[], ttlMinutes: number): Map<GraphNode, number> {
  const settled = new Map<GraphNode, number>();
  const open = new Map<GraphNode, number>(entries.map((node) => [node, 0]));
  while (open.size > 0) {
    const [node, silence] = [...open].reduce((least, next) => (next[1] < least[1] ? next : least));
    open.delete(node);
    settled.set(node, silence);
    const wait = waitOf(node);
    for (const { target, handle } of node.outgoing) {
      const next = silenceBehind(node, handle, silence, wait);
      if (next >= ttlMinutes || settled.has(target)) continue;
      open.set(target, Math.min(next, open.get(target) ?? Infinity));
    }
  }
  return settled;
}

function silenceBehind(
  { type }: GraphNode,
  handle: string,
  silence: number,
  wait: TimedWait | undefined,
): number {
  if (handle === wait?.handle) return silence + wait.minutes;
  // An invalid answer does not prolong a session.
  return type === 'ask' && handle !== 'invalid' ? 0 : silence;
}
