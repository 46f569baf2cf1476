import fc from 'fast-check';
import { handlesOf } from '../flow-node.ts';
import { flowNode } from '../flow-node.ts';
import type { SprintInput } from '../session-state.ts';

/** Graphs and inputs that tests make up. */

const name = fc.constantFrom('a', 'b', 'answer', 'cart');
const value = fc.constantFrom(
  '{{context.a}}',
  '{{context.b.c | default: "none"}}',
  '{{contact.name | upper}}',
  '{{reply.text}}',
  '{{session.started_at | date: "dd.MM.yyyy"}}',
  '{{context.a | json | json | json}}',
  '{{context.__proto__.x}} {{context.constructor.name}}',
  'plain',
);
const text = fc.tuple(value, value).map(([a, b]) => `${a} ${b}`);
const scalar = fc.oneof(value, fc.integer({ min: -5, max: 5 }), fc.boolean());

const comparison = fc.oneof(
  fc.record({ left: value, op: fc.constantFrom('eq', 'neq', 'contains', 'not_contains'), right: scalar }),
  fc.record({
    left: value,
    op: fc.constantFrom('gt', 'gte', 'lt', 'lte'),
    right: fc.oneof(value, fc.integer()),
  }),
  fc.record({ left: value, op: fc.constantFrom('starts_with', 'ends_with'), right: value }),
  fc.record({ left: value, op: fc.constant('in'), right: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ left: value, op: fc.constantFrom('exists', 'empty') }),
  fc.record({
    left: value,
    op: fc.constant('matches'),
    right: fc.constantFrom('^\\d+$', '\\p{L}+', '(a|b)*c'),
  }),
);
const comparisons = fc.array(comparison, { minLength: 1, maxLength: 3 });

const data = fc.oneof(
  fc.record({ type: fc.constant('send_message'), data: fc.record({ text }) }),
  fc.record({
    type: fc.constant('ask'),
    data: fc.record(
      {
        text,
        choices: fc.constant([
          { id: 'yes', title: 'Yes' },
          { id: 'no', title: 'No' },
        ]),
        save_as: name,
        timeout_minutes: fc.integer({ min: 1, max: 60 }),
        max_attempts: fc.integer({ min: 1, max: 3 }),
      },
      { requiredKeys: ['text', 'choices'] },
    ),
  }),
  fc.record({
    type: fc.constant('ask'),
    data: fc.record(
      {
        text,
        input: fc.record({ kind: fc.constantFrom('text', 'number', 'email', 'phone', 'date') }),
        save_as: name,
        timeout_minutes: fc.integer({ min: 1, max: 60 }),
      },
      { requiredKeys: ['text', 'input'] },
    ),
  }),
  fc.record({
    type: fc.constant('condition'),
    data: fc.record({
      cases: fc.tuple(
        comparisons.map((all) => ({ id: 'first', all })),
        comparisons.map((any) => ({ id: 'second', any })),
      ),
    }),
  }),
  fc.record({
    type: fc.constant('set'),
    data: fc.record({
      assign: fc.dictionary(
        fc.constantFrom('context.a', 'context.b.c', 'context.cart.total', 'context.constructor'),
        fc.oneof(scalar, fc.constant(null), fc.constant('{{context.a}}{{context.a}}{{context.b}}!')),
        { minKeys: 1, maxKeys: 3 },
      ),
      tags_add: fc.constant(['new']),
    }),
  }),
  fc.record({ type: fc.constant('delay'), data: fc.record({ minutes: fc.integer({ min: 1, max: 60 }) }) }),
  fc.record({
    type: fc.constant('http_request'),
    data: fc.record({
      method: fc.constant('GET'),
      url: fc.constant('https://shop.example/{{context.a | urlencode}}'),
      headers: fc.constant({ 'X-Cart': '{{context.a}}' }),
      save_as: name,
    }),
  }),
  fc.record({ type: fc.constant('handoff'), data: fc.record({ queue: fc.constant('desk'), note: text }) }),
  fc.record({ type: fc.constant('end'), data: fc.record({ outcome: fc.constantFrom('won', 'lost') }) }),
);

interface Definition {
  nodes: { id: string; type: string; data: object }[];
  edges: { source: string; sourceHandle: string; target: string }[];
}

/** Graphs of up to 13 nodes, every handle of which leads somewhere or nowhere. Those with a cycle that never waits are among them. */
export const definitions: fc.Arbitrary<Definition> = fc
  .array(data, { minLength: 1, maxLength: 12 })
  .chain((made) => {
    const nodes = [
      { id: 'start', type: 'entry', data: {} },
      ...made.map((node, index) => ({ ...node, id: `n${index}` })),
    ];
    const handles = nodes.flatMap(({ id, type, data: content }) =>
      handlesOf(flowNode.parse({ type, data: content })).map((handle) => ({
        source: id,
        sourceHandle: handle,
      })),
    );
    const targets = fc.array(fc.option(fc.integer({ min: 0, max: nodes.length - 1 })), {
      minLength: handles.length,
      maxLength: handles.length,
    });
    return targets.map((chosen) => ({
      nodes,
      edges: handles.flatMap((handle, index) => {
        const target = chosen[index];
        return typeof target === 'number' ? [{ ...handle, target: nodes[target]!.id }] : [];
      }),
    }));
  });

/** An input, and how many milliseconds pass before it. Its wait is the present one, or another. */
export const inputs = fc.array(
  fc.record({
    after: fc.constantFrom(0, 1_000, 61_000, 600_000, 1_900_000),
    stale: fc.constantFrom(false, false, false, true),
    input: fc.oneof(
      fc.record({
        type: fc.constant('reply' as const),
        text: fc.constantFrom(
          'yes',
          '2',
          'what?',
          '12,5',
          'ada@example.com',
          '+14155550123',
          '2026-05-07',
          '\ud800\0',
        ),
        choice: fc.constantFrom('', '', 'yes', 'nonsense'),
      }),
      fc.record({ type: fc.constant('timeout' as const) }),
      fc.record({
        type: fc.constant('http_answer' as const),
        answer: fc.oneof(
          fc.record({
            status: fc.constantFrom(200, 404, 503),
            body: fc.constantFrom('{"a":1}', 'text', '', '{"__proto__":{"x":1}}', `"${'x'.repeat(70_000)}"`),
          }),
          fc.record({ error: fc.constant('no answer') }),
        ),
      }),
    ),
  }),
  { maxLength: 30 },
);

/** An input as made up, for a wait. */
export function inputFor(
  { input, stale }: { input: Omit<SprintInput, 'waitId'>; stale: boolean },
  waitId: number,
): SprintInput {
  return { ...input, waitId: stale ? waitId + 7 : waitId } as SprintInput;
}
