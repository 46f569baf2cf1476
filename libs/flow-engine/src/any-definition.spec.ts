import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkFlow } from './check-flow.ts';
import { compileFlow } from './compile-flow.ts';
import { matchesPattern } from './linear-pattern.ts';
import { newSession, runSprint } from './run-sprint.ts';
import { parsePattern } from './safe-pattern.ts';
import { anyFlow, anyText } from './testing/arbitrary-flow.ts';
import { NOW } from './testing/conversation.ts';

const FACTS = { id: 'f', name: 'F', version: 1, sessionTtlMinutes: 30, channel: '' };

/** Whether a definition is published; then it has to compile and start. */
function publishes(definition: unknown): boolean {
  const { errors } = checkFlow(definition, FACTS);
  if (errors.length > 0) return false;
  const flow = compileFlow(definition, FACTS);
  const state = newSession(flow, { sessionId: 's', context: {}, contact: {} }, NOW);
  runSprint(flow, state, { type: 'start' }, NOW);
  return true;
}

/** A value in which one place, at any depth, holds something else. */
function spoilt(value: unknown, path: readonly number[], junk: unknown): unknown {
  const [at, ...rest] = path;
  if (at === undefined || typeof value !== 'object' || value === null) return junk;
  const keys = Object.keys(value);
  if (keys.length === 0) return junk;
  const key = keys[at % keys.length]!;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
  Object.defineProperty(copy, key, {
    value: spoilt(copy[key], rest, junk),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  anyText,
  fc.constantFrom<unknown>(null, '', -1, 1e308, 0.5, [], {}, '__proto__', 'default', '{{', 'context.a'),
);

describe('any definition', () => {
  it('that is any JSON is checked without an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (definition) => void publishes(definition)),
      { numRuns: 500 },
    );
  });

  it('with the right outer shape is checked without an exception, and compiles if it has no errors', () => {
    const type = fc.constantFrom('entry', 'ask', 'set', 'condition', 'end', 'delay', 'send_message', 'x');
    const nodes = fc.array(fc.oneof(fc.record({ id: fc.constantFrom('a', 'b'), type, data: junk }), junk), {
      maxLength: 4,
    });
    const edges = fc.array(fc.oneof(fc.record({ source: fc.constantFrom('a', 'b'), target: junk }), junk), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.record({ nodes, edges }), (definition) => void publishes(definition)),
      { numRuns: 500 },
    );
  });

  it('that was one to publish, spoilt in one place, is refused or still runs', () => {
    const outcomes = new Set<boolean>();
    const path = fc.array(fc.nat(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(anyFlow, path, junk, (definition, at, value) => {
        outcomes.add(publishes(spoilt(definition, at, value)));
      }),
      { numRuns: 500 },
    );
    expect(outcomes).toEqual(new Set([true, false]));
  });
});

describe('any pattern', () => {
  const token = fc.constantFrom(
    ...[
      'a',
      'b',
      '0',
      ' ',
      '.',
      '\\d',
      '\\D',
      '\\w',
      '\\W',
      '\\p{L}',
      '\\P{Lu}',
      '[ab]',
      '[^a]',
      '[a-c\\d]',
      '[\\]^]',
      '\\.',
    ],
    ...[
      '^',
      '$',
      '|',
      '*',
      '+',
      '?',
      '*?',
      '+?',
      '{2}',
      '{1,3}',
      '{2,}',
      '(',
      '(?:',
      '(?<n>',
      ')',
      '\\n',
      '\\/',
      '\\-',
      'é',
      '🦜',
    ],
    ...[
      '\\u{1F99C}',
      '\\x41',
      '\\b',
      '\\B',
      '\\s',
      '\\S',
      '\\cA',
      '\\0',
      '\\k<n>',
      '\\1',
      '(?=',
      '(?<!',
      '[]',
      '[^]',
      '\\p{Lu}',
    ],
  );
  const pattern = fc.oneof(
    fc.array(token, { maxLength: 8 }).map((tokens) => tokens.join('')),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  );
  const text = fc
    // None beyond the basic plane: V8 says of /[^a]$/u that it does not match "🦜".
    .array(fc.constantFrom('a', 'b', 'A', '0', '.', ' ', '-', ']', '^', '\n', 'é', '_'), {
      maxLength: 8,
    })
    .map((parts) => parts.join(''));

  it('that is taken can be run by the linear-time machine, and means there what it means in JavaScript', () => {
    let taken = 0;
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        const parsed = parsePattern(source);
        if ('problem' in parsed) return;
        taken += 1;
        expect(matchesPattern(parsed.pattern, subject)).toBe(new RegExp(source, 'u').test(subject));
      }),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });
});
