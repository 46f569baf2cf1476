import { isDeepStrictEqual } from 'node:util';

/** What two flows are compared by. */
export interface FlowContent {
  name: string;
  /** JSON text. */
  definition: string;
  sessionTtlMinutes: number;
  channel: string;
}

/** As in flow_catalog_service.proto; before and after are JSON texts. */
export interface FlowDifference {
  subject: 'node' | 'edge' | 'name' | 'settings';
  id: string;
  change: 'added' | 'removed' | 'changed';
  before: string;
  after: string;
}

type Part = Record<string, unknown>;
type Parts = Map<string, Part>;

/**
 * What is different between two flows, by node and edge. A draft may be any JSON: what is no node or edge is passed over. Only
 * what docs/flows.md gives a meaning is compared.
 */
export function compareFlows(before: FlowContent, after: FlowContent): FlowDifference[] {
  const [from, to] = [read(before.definition), read(after.definition)];
  return [
    ...compareOne('name', before.name, after.name),
    ...compareOne('settings', settingsOf(before), settingsOf(after)),
    ...compareParts('node', from.nodes, to.nodes),
    ...compareParts('edge', from.edges, to.edges),
  ];
}

/** As the gateway shows them. */
function settingsOf({ sessionTtlMinutes, channel }: FlowContent): Part {
  return { session_ttl_minutes: sessionTtlMinutes, channel: channel || null };
}

function compareOne(subject: 'name' | 'settings', before: unknown, after: unknown): FlowDifference[] {
  if (isDeepStrictEqual(before, after)) return [];
  return [
    { subject, id: '', change: 'changed', before: JSON.stringify(before), after: JSON.stringify(after) },
  ];
}

function compareParts(subject: 'node' | 'edge', from: Parts, to: Parts): FlowDifference[] {
  const ids = new Set([...from.keys(), ...to.keys()]);
  return [...ids].flatMap((id) => {
    const [before, after] = [from.get(id), to.get(id)];
    if (isDeepStrictEqual(before, after)) return [];
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
    return [{ subject, id, change, before: textOf(before), after: textOf(after) }];
  });
}

function textOf(part: Part | undefined): string {
  return part === undefined ? '' : JSON.stringify(part);
}

function read(definition: string): { nodes: Parts; edges: Parts } {
  const { nodes, edges } = objectOf(JSON.parse(definition));
  return {
    nodes: new Map(
      listOf(nodes).map(({ id, type, data }) => [String(id), { id, type, data: objectOf(data) }]),
    ),
    edges: new Map(
      listOf(edges).map(({ source, sourceHandle, target }) => {
        const handle = typeof sourceHandle === 'string' ? sourceHandle : 'default';
        return [`${String(source)}.${handle} -> ${String(target)}`, { source, sourceHandle: handle, target }];
      }),
    ),
  };
}

function listOf(value: unknown): Part[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

function objectOf(value: unknown): Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Part) : {};
}
