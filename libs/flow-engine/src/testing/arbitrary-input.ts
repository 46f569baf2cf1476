import fc from 'fast-check';
import { reviveClean } from '../json-value.ts';
import type { JsonObject } from '../json-value.ts';
import type { SessionState, SprintInput } from '../session-state.ts';
import { MINUTE } from './conversation.ts';
import { anyText } from './arbitrary-flow.ts';

const REPLIES = ['yes', 'no', '1', '2', 'aaa', '5', '1,5', 'ada@example.org', '+14155550123', '7.5.2026', ''];
const BODIES = [
  '',
  '{"a":1}',
  '{"__proto__":{"a":"{{context.a}}"}}',
  '{"a\\u0000":"\\ud800"}',
  '1e999',
  '[[[',
  '[[[[]]]]',
];

/** Something that happens to a session, once some time has passed. */
export interface Step {
  /** In ms; `due` is until the time of the wait, `end` until the session's. */
  after: number | 'due' | 'end';
  /** Which wait it names: the one there is, or that number. */
  wait: 'present' | number;
  input: DistributedInput;
}
type WithoutWait<Input> = Input extends { waitId: number } ? Omit<Input, 'waitId'> : Input;
type DistributedInput = WithoutWait<SprintInput>;

const reply = fc.record({
  type: fc.constant('reply' as const),
  text: fc.oneof(
    fc.constantFrom(...REPLIES),
    anyText,
    fc.integer({ min: 1, max: 70_000 }).map((length) => 'x'.repeat(length)),
  ),
  choice: fc.constantFrom('', '', 'yes', 'no', '1', '__proto__', 'toString'),
});

/** Things that happen, in order; most of them to the wait there is. */
export const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    after: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(0, 1, 1_000, MINUTE) },
      { weight: 3, arbitrary: fc.constant('due' as const) },
      {
        weight: 1,
        arbitrary: fc.oneof(fc.constant('end' as const), fc.integer({ min: 0, max: 40 * MINUTE })),
      },
    ),
    wait: fc.oneof(
      { weight: 6, arbitrary: fc.constant('present' as const) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 5 }) },
    ),
    input: fc.oneof(
      { weight: 6, arbitrary: reply },
      { weight: 3, arbitrary: fc.constant({ type: 'timeout' as const }) },
      { weight: 1, arbitrary: fc.constant({ type: 'start' as const }) },
      {
        weight: 3,
        arbitrary: fc.record({
          type: fc.constant('http_answer' as const),
          answer: fc.oneof(
            fc.record({
              status: fc.constantFrom(200, 204, 404, 500),
              body: fc.oneof(fc.constantFrom(...BODIES), anyText),
            }),
            fc.record({ error: anyText }),
          ),
        }),
      },
    ),
  }),
  { maxLength: 15 },
);

/** What a client sends along, which holds nothing that cannot be stored; near the limits now and then. */
export const anyContext: fc.Arbitrary<JsonObject> = fc
  .record({
    a: fc.oneof(anyText, fc.jsonValue({ maxDepth: 3 })),
    list: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }),
    big: fc.constantFrom('', 'x'.repeat(9_000), '🦜"'.repeat(7_000)),
  })
  .map((context) => JSON.parse(JSON.stringify(context), reviveClean) as JsonObject);

/** The input that a step is for a session at a time, and the time at which it comes. */
export function inputOf(
  { after, wait, input }: Step,
  state: SessionState,
  now: number,
): [SprintInput, number] {
  const until =
    after === 'due' ? (state.wait?.until ?? now) : after === 'end' ? state.expiresAt : now + after;
  const waitId = wait === 'present' ? (state.wait?.id ?? 0) : wait;
  return [input.type === 'start' ? input : { ...input, waitId }, Math.max(now, until)];
}
