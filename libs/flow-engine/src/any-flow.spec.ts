import { describe, expect, it } from '@jest/globals';
import { CONTEXT_LIMITS } from '@parley/json-limits';
import fc from 'fast-check';
import { checkFlow } from './check-flow.ts';
import { isWithinDepth } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { newSession, runSprint } from './run-sprint.ts';
import { ENTRY_TYPES, FAILURE_CODES } from './session-state.ts';
import type { Effect, SessionState, Sprint, SprintInput } from './session-state.ts';
import { anyFlow } from './testing/arbitrary-flow.ts';
import { anyContext, anySteps, inputOf } from './testing/arbitrary-input.ts';
import type { Step } from './testing/arbitrary-input.ts';
import { NOW, published } from './testing/conversation.ts';
import { tableOf } from './testing/flow-docs.ts';

const RUNS = { numRuns: 60 };
const MAX_SHOWN = 10_000;
/** The keys of a timeline entry's detail, by its type and its node's. */
const KEYS = tableOf('Timeline');
const NODE_KEYS = tableOf('What a node notes');
const WAIT_OF: Record<string, string> = { ask: 'reply', delay: 'delay', http_request: 'http' };

interface Turn {
  before: SessionState;
  input: SprintInput;
  now: number;
  sprint: Sprint;
}

/** Every turn of a session that starts and is then met by the steps. */
function turnsOf(
  definition: object,
  context: JsonObject,
  steps: Step[],
  pass = (state: SessionState) => state,
): Turn[] {
  const flow = published(definition);
  const turns: Turn[] = [];
  let state = newSession(flow, { sessionId: 's', context, contact: { name: 'Ada', tags: ['new'] } }, NOW);
  let now = NOW;
  for (const step of [undefined, ...steps]) {
    let input: SprintInput = { type: 'start' };
    if (step) [input, now] = inputOf(step, state, now);
    const before = pass(state);
    const sprint = runSprint(flow, before, input, now);
    turns.push({ before, input, now, sprint });
    state = sprint.state;
  }
  return turns;
}

const json = (value: unknown): string => JSON.stringify(value);
const restored = <Value>(value: Value): Value => JSON.parse(json(value)) as Value;

/** Plain objects and lists; a compiled pattern changes inside while it is used. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** All that an effect would show to somebody. */
function shownBy(effect: Effect): string[] {
  if (effect.type === 'handoff') return [effect.note];
  if (effect.type === 'tags') return [];
  const { text, template, media } = effect;
  return [
    text,
    ...(template?.variables.map(([, shown]) => shown) ?? []),
    ...(media ? [media.url, media.caption] : []),
  ];
}

function requested({ wait }: SessionState): string[] {
  if (wait?.kind !== 'http') return [];
  const { url, headers, body } = wait.request;
  return [url, ...headers.map(([, shown]) => shown), body ?? ''];
}

const anySession = [anyFlow, anyContext, anySteps] as const;

describe('any flow that can be published, whatever happens', () => {
  it('comes to a defined state, within the limits', () => {
    fc.assert(
      fc.property(...anySession, (definition, context, steps) => {
        const types = new Map(definition.nodes.map(({ id, type }) => [id, type]));
        for (const { before, now, sprint } of turnsOf(definition, context, steps)) {
          const { state, effects, timeline } = sprint;
          for (const { type, nodeId, detail } of timeline) {
            const documented =
              type === 'node'
                ? [...(KEYS.get(type) ?? []), ...(NODE_KEYS.get(types.get(nodeId)!) ?? [])]
                : KEYS.get(type);
            expect(Object.keys(detail).filter((key) => !documented?.includes(key))).toEqual([]);
          }

          expect(['running', 'completed', 'failed', 'expired']).toContain(state.status);
          expect(types.has(state.nodeId)).toBe(true);
          expect(state.failure !== null).toBe(state.status === 'failed');
          if (state.failure) expect(FAILURE_CODES).toContain(state.failure.code);
          if (state.status === 'running') {
            expect(state.wait?.nodeId).toBe(state.nodeId);
            expect(state.wait?.kind).toBe(WAIT_OF[types.get(state.nodeId)!]);
            expect(state.wait?.id).toBe(state.waits);
            expect(state.wait?.until ?? 0).toBeLessThan(state.expiresAt);
          } else {
            expect(state.wait).toBeNull();
          }
          expect(state.sprints - before.sprints).toBeLessThanOrEqual(1);
          expect(state.expiresAt - state.lastInteractionAt).toBe(30 * 60_000);
          expect(state.lastInteractionAt).toBeLessThanOrEqual(now);

          expect(timeline.length).toBeGreaterThan(0);
          expect(timeline.map(({ number }) => number)).toEqual(
            timeline.map((_, index) => before.entries + index + 1),
          );
          expect(state.entries).toBe(before.entries + timeline.length);
          expect(timeline.filter(({ type }) => type === 'node').length).toBeLessThanOrEqual(100);

          if (state.context !== before.context) {
            expect(Buffer.byteLength(json(state.context))).toBeLessThanOrEqual(CONTEXT_LIMITS.maxBytes);
          }
          expect(isWithinDepth(state.context, CONTEXT_LIMITS.maxDepth)).toBe(true);
          for (const shown of [...effects.flatMap(shownBy), ...requested(state)]) {
            expect(shown.length).toBeLessThanOrEqual(MAX_SHOWN);
            expect(shown.isWellFormed() && !shown.includes('\0')).toBe(true);
          }
          // What Postgres would not store.
          expect(json(sprint)).not.toMatch(/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/);
          const ids = effects.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          for (const id of ids) expect(timeline.some(({ number }) => id === `s.${number}`)).toBe(true);
        }
      }),
      RUNS,
    );
  });

  it('comes to the same each time, also from a state that was written out and read again', () => {
    fc.assert(
      fc.property(...anySession, (definition, context, steps) => {
        const results = (pass?: (state: SessionState) => SessionState) =>
          turnsOf(definition, context, steps, pass).map(({ sprint }) => json(sprint));
        expect(results()).toEqual(results());
        expect(results(restored)).toEqual(results());
      }),
      RUNS,
    );
  });

  it('leaves the state, the input and the compiled flow it was given as they are', () => {
    fc.assert(
      fc.property(...anySession, (definition, context, steps) => {
        const flow = deepFreeze(published(definition));
        for (const node of flow.nodes.values()) deepFreeze(node);
        for (const { before, input, now } of turnsOf(definition, context, steps, deepFreeze)) {
          runSprint(flow, deepFreeze(before), deepFreeze(input), now);
        }
      }),
      RUNS,
    );
  });

  it('is changed in nothing but its timeline by an input that is ignored', () => {
    fc.assert(
      fc.property(...anySession, (definition, context, steps) => {
        for (const { before, sprint } of turnsOf(definition, context, steps)) {
          if (sprint.timeline[0]?.type !== 'ignored') continue;
          expect(sprint.timeline).toHaveLength(1);
          expect(sprint.effects).toEqual([]);
          expect(sprint.state).toEqual({ ...before, entries: before.entries + 1 });
        }
      }),
      RUNS,
    );
  });

  it('does nothing once it has ended, and ends when its time has come', () => {
    fc.assert(
      fc.property(...anySession, (definition, context, steps) => {
        for (const { before, input, now, sprint } of turnsOf(definition, context, steps)) {
          const ended = before.status !== 'running' || (input.type === 'start' && before.sprints > 0);
          if (ended) expect(sprint.timeline[0]?.type).toBe('ignored');
          else if (now >= before.expiresAt) expect(sprint.state.status).toBe('expired');
        }
      }),
      RUNS,
    );
  });

  it('is, among those made up here, one that comes to every end in every way', () => {
    const seen = new Set<string>();
    for (const session of fc.sample(fc.tuple(...anySession), { seed: 1, numRuns: 400 })) {
      for (const { sprint } of turnsOf(...session)) {
        seen.add(sprint.state.failure?.code ?? sprint.state.status);
        for (const { type } of sprint.timeline) seen.add(type);
      }
    }
    const ends = ['running', 'completed', 'expired', 'HTTP_REQUEST_FAILED', 'CONTEXT_TOO_LARGE'];
    expect(ENTRY_TYPES.filter((type) => !seen.has(type))).toEqual([]);
    expect(ends.filter((end) => !seen.has(end))).toEqual([]);
  });

  it('is one that the checks find no error in', () => {
    fc.assert(
      fc.property(anyFlow, (definition) => {
        expect(checkFlow(definition, { sessionTtlMinutes: 30, channel: '' }).errors).toEqual([]);
      }),
      RUNS,
    );
  });
});
