import fc from 'fast-check';
import { WAITING_TYPES, type NodeType } from '../flow-node.ts';
import { parseTemplate, TEMPLATE_ROOTS } from '../template.ts';
import type { NodeDefinition } from './conversation.ts';

const HOSTILE = [
  '{{',
  '}}',
  '{{context.a}}',
  '__proto__',
  'constructor',
  '\0',
  '\ud83e',
  '🦜',
  '"',
  "'",
  '\\',
  '\r\n',
];
const NAMES = ['a', 'b', 'c', 'list', 'big', '__proto__', 'constructor', 'toString', '0', 'length'];
const FILTERS = [
  '',
  ' | upper',
  ' | lower',
  ' | trim',
  ' | json',
  ' | urlencode',
  ' | number',
  ' | number: 2',
  ' | date',
  ' | date: "dd.MM.yyyy HH:mm"',
  ' | default: "x"',
  ' | default: 5',
];
/** A text with hostile stretches in it. */
export const anyText = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.constantFrom(...HOSTILE)), {
    maxLength: 4,
  })
  .map((parts) => parts.join(''));

const value = fc
  .tuple(
    fc.constantFrom(...TEMPLATE_ROOTS, 'context', 'context'),
    fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
    fc.array(fc.constantFrom(...FILTERS), { maxLength: 3 }),
  )
  .map(([root, path, filters]) => `{{${[root, ...path].join('.')}${filters.join('')}}}`);

/** A text whose templates parse. */
export const templateText = fc
  .array(fc.oneof(value, anyText), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''))
  .filter((text) => text !== '' && text.length <= 1_024 && 'parts' in parseTemplate(text));

const plainText = (maxLength: number) =>
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength }).filter((text) => !text.includes('{{'));
const contextName = fc.constantFrom('a', 'b', 'c', 'big', 'toString', 'constructor');
const contextPath = fc
  .array(contextName, { minLength: 1, maxLength: 8 })
  .map((names) => ['context', ...names].join('.'));
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });
const caseIds = fc.uniqueArray(fc.constantFrom('yes', 'no', '1', '__proto__', 'toString'), {
  minLength: 1,
  maxLength: 3,
});
const pattern = fc.constantFrom('^\\d+$', '.', '(a+)+$', '\\p{L}', '^$');

const comparison = fc.oneof(
  fc.record({
    left: templateText,
    op: fc.constantFrom('eq', 'neq', 'contains', 'not_contains'),
    right: fc.oneof(templateText, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
  }),
  fc.record({
    left: templateText,
    op: fc.constantFrom('gt', 'gte', 'lt', 'lte'),
    right: fc.oneof(templateText, fc.integer()),
  }),
  fc.record({ left: templateText, op: fc.constantFrom('starts_with', 'ends_with'), right: templateText }),
  fc.record({
    left: templateText,
    op: fc.constant('in'),
    right: fc.array(fc.oneof(templateText, fc.integer(), fc.boolean()), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ left: templateText, op: fc.constantFrom('exists', 'empty') }),
  fc.record({ left: templateText, op: fc.constant('matches'), right: pattern }),
);
const comparisons = fc.array(comparison, { minLength: 1, maxLength: 3 });

const message = fc.oneof(
  fc.record({
    text: templateText,
    media: maybe(
      fc.record({
        type: fc.constantFrom('image', 'document'),
        url: fc.oneof(
          value,
          templateText.map((text) => `https://a.example/${text}`),
        ),
        caption: maybe(templateText),
      }),
    ),
  }),
  fc.record({
    template: fc.record({
      name: plainText(10),
      language: fc.constant('en'),
      variables: maybe(fc.dictionary(fc.constantFrom('1', 'name', '__proto__'), templateText)),
    }),
  }),
);

const question = fc
  .record({
    text: templateText,
    choiceIds: maybe(caseIds),
    kind: fc.constantFrom('text', 'number', 'email', 'phone', 'date'),
    pattern: maybe(pattern),
    save_as: maybe(contextName),
    timeout_minutes: maybe(fc.integer({ min: 1, max: 40 })),
    max_attempts: maybe(fc.integer({ min: 1, max: 3 })),
    invalid_text: maybe(templateText),
  })
  .chain(({ choiceIds, kind, pattern: rule, ...data }) =>
    fc.array(plainText(24), { minLength: 3, maxLength: 3 }).map((titles) => ({
      ...data,
      ...(choiceIds
        ? {
            choices: choiceIds.map((id, index) => ({ id, title: `${titles[index]!.slice(0, 22)} ${index}` })),
          }
        : { input: { kind, pattern: rule } }),
    })),
  );

const tags = fc.array(
  plainText(8).filter((tag) => tag === tag.trim()),
  { minLength: 1, maxLength: 3 },
);
const assign = fc.dictionary(
  contextPath,
  fc.oneof(
    templateText,
    fc.constant('{{context.big}}'),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  ),
  { minKeys: 1, maxKeys: 6 },
);

const DATA: Record<Exclude<NodeType, 'entry'>, fc.Arbitrary<object>> = {
  send_message: message,
  ask: question,
  condition: caseIds.chain((ids) =>
    fc.record({
      cases: fc.tuple(
        ...ids.map((id) =>
          fc.oneof(
            comparisons.map((all) => ({ id, all })),
            comparisons.map((any) => ({ id, any })),
          ),
        ),
      ),
    }),
  ),
  set: fc.oneof(
    fc.record({ assign }),
    fc.record({ assign: maybe(assign), tags_add: tags, tags_remove: maybe(tags) }),
  ),
  delay: fc.oneof(
    fc.record({ minutes: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ seconds: fc.integer({ min: 1, max: 2_000 }) }),
  ),
  http_request: fc.record({
    method: fc.constantFrom('POST', 'PUT'),
    url: templateText.map((text) => `https://shop.example/${text}`),
    headers: maybe(fc.record({ 'X-A': value })),
    body: maybe(templateText),
    save_as: contextName,
  }),
  handoff: fc.record({ queue: plainText(8), note: maybe(templateText) }),
  end: fc.record({ outcome: maybe(plainText(8)) }),
};
const TYPES = Object.keys(DATA) as (keyof typeof DATA)[];
/** Those from which a flow goes on somewhere more often. */
const nodeData = fc
  .constantFrom(...TYPES, 'ask', 'ask', 'http_request', 'set', 'condition')
  .chain((type) => DATA[type].map((data) => ({ type, data })));

/** Any flow that can be published: nodes of every type, edges wherever the checks let them lead. */
export const anyFlow: fc.Arbitrary<{ nodes: NodeDefinition[]; edges: object[] }> = fc
  .array(nodeData, { minLength: 1, maxLength: 10 })
  .chain((contents) => {
    const nodes = [{ type: 'entry' as NodeType, data: {} }, ...contents].map((content, index) => ({
      id: `${content.type}${index}`,
      ...content,
    }));
    const leaving = nodes.flatMap((node, index) =>
      handlesOf(node).map((sourceHandle) => {
        // Away from where it would close a cycle without a wait.
        const targets = nodes.filter(
          ({ type }, target) =>
            WAITING_TYPES.includes(node.type) || WAITING_TYPES.includes(type) || target > index,
        );
        return maybe(fc.nat({ max: Math.max(0, targets.length - 1) })).map((target) => ({
          source: node.id,
          sourceHandle,
          target: target === undefined ? undefined : targets[target]?.id,
        }));
      }),
    );
    return fc
      .tuple(...leaving)
      .map((edges) => ({ nodes, edges: edges.filter(({ target }) => target !== undefined) }));
  });

interface ListedIds {
  choices?: { id: string }[];
  cases?: { id: string }[];
  timeout_minutes?: number | undefined;
}

function handlesOf({ type, data }: { type: string; data: object }): string[] {
  const { choices, cases = [], timeout_minutes } = data as ListedIds;
  if (type === 'end') return [];
  if (type === 'http_request') return ['success', 'failure'];
  if (type === 'condition') return [...cases.map(({ id }) => id), 'else'];
  if (type !== 'ask') return ['default'];
  const answers = choices?.map(({ id }) => id) ?? ['answered'];
  return [...answers, 'invalid', ...(timeout_minutes === undefined ? [] : ['timeout'])];
}
