import { channelProblems } from './channel-limits.ts';
import { constantComparisons } from './constant-comparisons.ts';
import { isObject } from './data-fields.ts';
import { dataProblems } from './data-problems.ts';
import type { DataProblem } from './data-problems.ts';
import { readGraph } from './flow-graph.ts';
import type { GraphNode } from './flow-graph.ts';
import { handlesOf, WAITING_TYPES } from './flow-node.ts';
import { ProblemList, quote } from './flow-problem.ts';
import type { FlowProblem, FlowProblemCode } from './flow-problem.ts';
import { cycleClosingEdges, reachableFrom } from './graph-paths.ts';
import { leastSilence, waitOf } from './long-waits.ts';
import { misspeltFields } from './misspelt-fields.ts';
import { brokenBodies, unescapedValues } from './unescaped-values.ts';
import { unknownValues } from './unknown-values.ts';

/** The settings beside a flow's graph that its checks depend on. */
export interface FlowCheckSettings {
  /** How long a session lasts without an interaction, in minutes. */
  sessionTtlMinutes: number;
  /** The channel the flow is made for; empty: any, and no limits of one. */
  channel: string;
}

/** What the publishing checks found: at most 100 errors and 100 warnings. */
export interface FlowCheck {
  /** What refuses publishing; empty when the flow can be published. */
  errors: FlowProblem[];
  /** What publishing accepts but finds worth saying. */
  warnings: FlowProblem[];
  /** Id of the entry node; empty when there is none or there are errors. */
  entryNodeId: string;
}

/** Handles that mean something without an edge: the session is completed, or failed, on purpose. */
const HANDLES_WITHOUT_NEED = ['invalid', 'failure'];

/**
 * Checks a flow's definition as publishing does. It takes any value that came out of JSON.parse, never throws,
 * and needs time in proportion to the definition's size. docs/flows.md describes the format and the problems.
 */
export function checkFlow(definition: unknown, settings: FlowCheckSettings): FlowCheck {
  const errors = new ProblemList();
  const warnings = new ProblemList();
  const graph = readGraph(definition, errors);
  let entryNodeId = '';
  if (graph) {
    const nodes = [...graph.values()];
    const entries = nodes.filter(({ type }) => type === 'entry');
    reportEntries(entries, errors, warnings);
    reportCycles(nodes, errors);
    reportUnreachable(nodes, entries, warnings);
    for (const node of nodes) {
      reportLooseHandles(node, warnings);
      if (node.content) {
        reportData(node, 'NODE_DATA_INVALID', dataProblems(node.content), errors);
        reportData(node, 'CHANNEL_LIMIT_EXCEEDED', channelProblems(node.content, settings.channel), errors);
        reportData(node, 'VALUE_UNESCAPED', unescapedValues(node.content), warnings);
        reportData(node, 'BODY_NOT_JSON', brokenBodies(node.content), warnings);
        reportData(node, 'COMPARISON_CONSTANT', constantComparisons(node.content), warnings);
        if (isObject(node.data))
          reportData(node, 'VALUE_UNKNOWN', unknownValues(node.content, node.data), warnings);
      }
      reportData(node, 'FIELD_UNKNOWN', misspeltFields(node.type, node.data), warnings);
    }
    reportLongWaits(entries, nodes, settings.sessionTtlMinutes, warnings);
    if (errors.problems.length === 0) entryNodeId = entries[0]?.id ?? '';
  }
  return { errors: errors.problems, warnings: warnings.problems, entryNodeId };
}

function reportData(
  { id, field }: GraphNode,
  code: FlowProblemCode,
  problems: DataProblem[],
  list: ProblemList,
): void {
  for (const { path, message } of problems) list.add(code, `${field}.data.${path}`, message, id);
}

function reportEntries(entries: GraphNode[], errors: ProblemList, warnings: ProblemList): void {
  if (entries.length === 0) {
    warnings.add('NO_ENTRY_NODE', 'nodes', 'there is no entry node, so the flow cannot be started');
  }
  for (const { id, field } of entries.slice(1)) {
    errors.add('ENTRY_NODE_TWICE', `${field}.type`, 'there is another entry node', id);
  }
}

function reportCycles(nodes: GraphNode[], errors: ProblemList): void {
  const goesOn = ({ type }: GraphNode) => type !== undefined && !WAITING_TYPES.includes(type);
  for (const { field, source, target } of cycleClosingEdges(nodes, goesOn)) {
    const message = `leads back to ${quote(target.id)} without waiting for a reply, the clock or an answer`;
    errors.add('CYCLE_WITHOUT_WAIT', field, message, source.id);
  }
}

function reportUnreachable(nodes: GraphNode[], entries: GraphNode[], warnings: ProblemList): void {
  // Without an entry nothing is reached, and one warning says so.
  if (entries.length === 0) return;
  const reached = reachableFrom(entries);
  for (const node of nodes) {
    if (reached.has(node)) continue;
    warnings.add('NODE_UNREACHABLE', node.field, 'no path leads here from the entry node', node.id);
  }
}

function reportLooseHandles({ id, field, content, outgoing }: GraphNode, warnings: ProblemList): void {
  if (!content) return;
  const taken = new Set(outgoing.map(({ handle }) => handle));
  for (const handle of handlesOf(content)) {
    if (taken.has(handle) || HANDLES_WITHOUT_NEED.includes(handle)) continue;
    const message = `no edge leaves ${quote(handle)}, so the session is completed there`;
    warnings.add('HANDLE_WITHOUT_EDGE', field, message, id);
  }
}

function reportLongWaits(
  entries: GraphNode[],
  nodes: GraphNode[],
  ttlMinutes: number,
  warnings: ProblemList,
): void {
  const silences = leastSilence(entries, ttlMinutes);
  for (const node of nodes) {
    const wait = waitOf(node);
    if (!wait) continue;
    const silence = silences.get(node) ?? 0;
    if (silence + wait.minutes < ttlMinutes) continue;
    const before =
      wait.minutes < ttlMinutes ? `after at least ${rounded(silence)} minutes without an answer, ` : '';
    const message = `${before}the session expires after ${ttlMinutes} minutes, so this ${wait.what}`;
    warnings.add('TIMEOUT_NOT_SHORTER_THAN_TTL', `${node.field}.data.${wait.field}`, message, node.id);
  }
}

function rounded(minutes: number): number {
  return Math.round(minutes * 100) / 100;
}
