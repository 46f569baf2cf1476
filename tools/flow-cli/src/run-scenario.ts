import { isDeepStrictEqual } from 'node:util';
import {
  simulate,
  type CompiledFlow,
  type JsonValue,
  type SimulatedMessage,
  type Simulation,
  type SimulationStep,
} from '@parley/flow-engine';
import type { Scenario } from './scenario-file.ts';
import type { ExpectedEnd, ExpectedMessage } from './scenario-schema.ts';

export interface ScenarioRun {
  simulation: Simulation;
  /** What was not as expected, a line each; none where the scenario passes. */
  differences: string[];
}

/** Plays a scenario and compares. */
export function runScenario(flow: CompiledFlow, scenario: Scenario): ScenarioRun {
  const { context, contact, startAt, http } = scenario;
  const steps = scenario.steps.flatMap((step): SimulationStep[] =>
    step.type === 'simulate' ? [step.step] : [],
  );
  const simulation = simulate(flow, { context, contact, startAt, steps, http });
  const differences = [
    ...(simulation.problem ? [simulation.problem.message] : []),
    ...differencesOnTheWay(scenario, simulation),
    ...differencesAtTheEnd(scenario.expect, simulation),
  ];
  return { simulation, differences };
}

function differencesOnTheWay({ steps }: Scenario, { messages, timeline }: Simulation): string[] {
  const differences: string[] = [];
  let played = 0;
  let read = 0;
  for (const [index, expected] of steps.entries()) {
    if (expected.type === 'simulate') {
      played += 1;
    } else if (expected.type === 'expect_message') {
      const message = messages[read];
      const sent = message && message.step <= played ? message : undefined;
      if (sent) read += 1;
      differences.push(...messageDifferences(`steps[${index}].expect_message`, expected.message, sent));
    } else {
      const node = timeline.findLast(({ step }) => step <= played)?.nodeId;
      differences.push(...difference(`steps[${index}].expect_node`, expected.node, node));
    }
  }
  return differences;
}

function differencesAtTheEnd(expected: ExpectedEnd, simulation: Simulation): string[] {
  const { state, timeline, messages } = simulation;
  const ignored = timeline.filter(({ type }) => type === 'ignored').length;
  const warnings = timeline.flatMap((entry) => entry.warnings);
  const contexts = Object.entries(expected.context ?? {}).flatMap(([key, value]) =>
    difference(`context.${key}`, value, state.context[key] ?? null),
  );
  return [
    ...difference('status', expected.status, state.status),
    ...difference('outcome', expected.outcome, state.outcome),
    ...difference('failure', expected.failure, state.failure?.code),
    ...difference('node', expected.node, state.nodeId),
    ...difference('nodes', expected.nodes, nodesOf(simulation)),
    ...(expected.messages ? allMessageDifferences(expected.messages, messages) : []),
    ...contexts,
    ...difference('tags', expected.tags, state.contact['tags']),
    ...(expected.handoffs ? handoffDifferences(expected.handoffs, simulation) : []),
    ...difference('warnings', expected.warnings, warnings),
    ...(ignored === expected.ignored
      ? []
      : [`ignored: expected ${expected.ignored}, was ${ignored}: replies that nothing waited for`]),
  ];
}

/** The nodes the session came to, in order; one that asks again is there once. */
function nodesOf({ timeline }: Simulation): string[] {
  const visits = timeline
    .filter(({ type }) => type === 'started' || type === 'node' || type === 'completed')
    .map(({ nodeId }) => nodeId);
  return visits.filter((nodeId, at) => nodeId !== visits[at - 1]);
}

function allMessageDifferences(expected: ExpectedMessage[], messages: SimulatedMessage[]): string[] {
  const places = Math.max(expected.length, messages.length);
  return Array.from({ length: places }, (_, at) => {
    const wanted = expected[at];
    if (!wanted) return [`messages[${at}]: not expected: ${shown(messages[at]!.text)}`];
    return messageDifferences(`messages[${at}]`, wanted, messages[at]);
  }).flat();
}

function messageDifferences(
  place: string,
  { text, template, media, choices }: ExpectedMessage,
  message: SimulatedMessage | undefined,
): string[] {
  if (!message) return [`${place}: expected ${shown(text ?? template ?? choices)}, but none was sent`];
  return [
    ...difference(place, text, message.text),
    ...difference(`${place}.template`, template, message.template?.name),
    ...difference(`${place}.media`, media, message.media?.url),
    ...difference(
      `${place}.choices`,
      choices,
      message.choices.map(({ title }) => title),
    ),
  ];
}

function handoffDifferences(
  expected: NonNullable<ExpectedEnd['handoffs']>,
  { timeline }: Simulation,
): string[] {
  const handoffs = timeline.filter(({ detail }) => detail['node'] === 'handoff').map(({ detail }) => detail);
  if (handoffs.length !== expected.length) {
    return difference(
      'handoffs',
      expected.map(({ queue }) => queue),
      handoffs.map(({ queue }) => queue ?? ''),
    );
  }
  return expected.flatMap(({ queue, note }, at) => [
    ...difference(`handoffs[${at}].queue`, queue, handoffs[at]?.['queue']),
    ...difference(`handoffs[${at}].note`, note, handoffs[at]?.['note']),
  ]);
}

/** Nothing is expected where `expected` is undefined. */
function difference(place: string, expected: JsonValue | undefined, actual: JsonValue | undefined): string[] {
  if (expected === undefined || isDeepStrictEqual(expected, actual)) return [];
  return [`${place}: expected ${shown(expected)}, was ${shown(actual)}`];
}

function shown(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
