import { describe, expect, it } from '@jest/globals';
import { CONTEXT_LIMITS } from '@parley/json-limits';
import fc from 'fast-check';
import { checkFlow } from './check-flow.ts';
import { compileFlow, type CompiledFlow } from './compile-flow.ts';
import { newSession, runSprint } from './run-sprint.ts';
import type { SessionState, Sprint } from './session-state.ts';
import { definitions, inputFor, inputs } from './testing/arbitrary-flow.ts';

const FACTS = { id: 'f', name: 'Flow', version: 1, sessionTtlMinutes: 30 };
const START = Date.parse('2026-05-07T08:00:00Z');
const RUNS = { numRuns: 300 };

/** Graphs that publish. */
const published = definitions.filter(
  (definition) => checkFlow(definition, { sessionTtlMinutes: 30 }).errors.length === 0,
);

function begin(flow: CompiledFlow): SessionState {
  const contact = { id: 'c', name: 'Ada', tags: ['old'] };
  return newSession(flow, { sessionId: 's', context: { a: 'x', b: { c: 2 } }, contact }, START);
}

interface Step {
  before: SessionState;
  sprint: Sprint;
  now: number;
}

/** Runs a session through inputs; each sprint with the state before it. */
function play(
  flow: CompiledFlow,
  script: readonly (typeof inputs extends fc.Arbitrary<infer T> ? T : never)[number][],
): Step[] {
  let now = START;
  let state = begin(flow);
  const steps: Step[] = [];
  const take = (sprint: Sprint): void => {
    steps.push({ before: state, sprint, now });
    state = sprint.state;
  };
  take(runSprint(flow, freeze(state), { type: 'start' }, now));
  for (const step of script) {
    now += step.after;
    take(runSprint(flow, freeze(state), inputFor(step, state.wait?.id ?? 0), now));
  }
  return steps;
}

/** So that a sprint that changes what it was given throws. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('any graph that publishes, with any inputs', () => {
  it('ends each sprint in a defined state, within the limits', () => {
    fc.assert(
      fc.property(published, inputs, (definition, script) => {
        for (const { before, sprint, now } of play(compileFlow(definition, FACTS), script)) {
          const { state, effects, timeline } = sprint;
          const first = before.entries + 1;
          expect(timeline.map(({ number }) => number)).toEqual(
            timeline.map((_entry, index) => first + index),
          );
          expect(state.entries).toBe(before.entries + timeline.length);
          expect(timeline.length).toBeGreaterThan(0);
          expect(timeline.length).toBeLessThanOrEqual(103);
          expect(state.status === 'failed').toBe(state.failure !== null);
          if (state.wait) {
            expect(state.status).toBe('running');
            expect(state.wait.nodeId).toBe(state.nodeId);
            if (state.wait.until !== null) expect(state.wait.until).toBeLessThan(state.expiresAt);
          }
          if (state.status === 'running') {
            expect(state.wait).not.toBeNull();
            expect(state.expiresAt).toBe(state.lastInteractionAt + 30 * 60_000);
          }
          if (before.status === 'running' && now >= before.expiresAt) expect(state.status).toBe('expired');
          expect(Buffer.byteLength(JSON.stringify(state.context))).toBeLessThanOrEqual(
            CONTEXT_LIMITS.maxBytes,
          );
          expect(depthOf(state.context)).toBeLessThanOrEqual(CONTEXT_LIMITS.maxDepth);
          for (const effect of effects) {
            expect(effect.id).toMatch(/^s\.\d+$/);
            if (effect.type === 'message') expect(effect.text.length).toBeLessThanOrEqual(10_000);
          }
          expect(new Set(effects.map(({ id }) => id)).size).toBe(effects.length);
          const told = JSON.stringify({ effects, timeline });
          expect(told.isWellFormed() && !told.includes('\\u0000') && !told.includes('\\ud800')).toBe(true);
        }
        expect(({} as Record<string, unknown>)['x']).toBeUndefined();
      }),
      RUNS,
    );
  });

  it('gives the same again for the same, also when the state was stored and restored', () => {
    fc.assert(
      fc.property(published, inputs, (definition, script) => {
        const flow = compileFlow(definition, FACTS);
        const other = compileFlow(JSON.parse(JSON.stringify(definition)), FACTS);
        let now = START;
        let [state, restored] = [begin(flow), begin(other)];
        for (const step of [{ after: 0, stale: false, input: { type: 'start' as const } }, ...script]) {
          now += step.after;
          const input = inputFor(step, state.wait?.id ?? 0);
          const [one, two] = [runSprint(flow, state, input, now), runSprint(other, restored, input, now)];
          expect(two).toEqual(one);
          state = one.state;
          restored = JSON.parse(JSON.stringify(two.state)) as SessionState;
        }
      }),
      RUNS,
    );
  });

  it('notes an input that is not waited for, and changes nothing else', () => {
    fc.assert(
      fc.property(published, inputs, (definition, script) => {
        for (const { before, sprint } of play(compileFlow(definition, FACTS), script)) {
          if (sprint.timeline[0]!.type !== 'ignored') continue;
          expect(sprint).toEqual({
            state: { ...before, entries: before.entries + 1 },
            effects: [],
            timeline: [expect.objectContaining({ type: 'ignored', handle: '' })],
          });
        }
      }),
      RUNS,
    );
  });
});

describe('whatever is given as a definition', () => {
  it('is checked without throwing, and compiles where nothing is wrong with it', () => {
    const junk = fc.oneof(
      fc.anything(),
      fc.record({ nodes: fc.array(fc.anything()), edges: fc.array(fc.anything()) }),
      definitions,
    );
    fc.assert(
      fc.property(junk, (definition) => {
        const { errors } = checkFlow(definition, { sessionTtlMinutes: 30 });
        if (errors.length === 0) compileFlow(definition, FACTS);
      }),
      RUNS,
    );
  });
});
