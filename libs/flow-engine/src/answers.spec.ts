import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from './json-value.ts';
import { ask, Conversation, entry, graph, say } from './testing/conversation.ts';

/** A question that keeps its answer, and says goodbye after a second invalid one. */
const question = (data: object) =>
  graph(
    [entry, ask('ask', { save_as: 'kept', max_attempts: 2, ...data }), say('bye', 'Bye')],
    'start -> ask',
    'ask.invalid -> bye',
  );
const answered = (kind: string, text: string, pattern?: string) =>
  new Conversation(question({ input: { kind, pattern } })).reply(text);
const kept = (kind: string, text: string, pattern?: string): JsonValue | undefined =>
  answered(kind, text, pattern).state.context['kept'];

describe('an answer', () => {
  it.each([
    ['text', ' Hello\nyou ', 'Hello\nyou'],
    ['text', '0', '0'],
    ['text', 'x'.repeat(4_096), 'x'.repeat(4_096)],
    ['text', '{{context.kept}}', '{{context.kept}}'],
    ['text', 'a\0b\ud800', 'ab\ufffd'],
    ['number', '42', 42],
    ['number', ' -1.50 ', -1.5],
    ['number', '1,5', 1.5],
    ['number', '٣٫٥', 3.5],
    ['number', '0.125', 0.125],
    ['number', '+3', 3],
    ['number', '\u22125', -5],
    ['number', '\u200f23\u200b', 23],
    ['number', '٢٣', 23],
    ['number', '१२,५', 12.5],
    ['number', '0,125', 0.125],
    ['number', '1,2345', 1.2345],
    ['email', ' Ada@example.org ', 'Ada@example.org'],
    ['phone', '+1 (415) 555-0123', '+14155550123'],
    ['phone', '\u202a+49 1512 3456789\u202c', '+4915123456789'],
    ['email', 'ada@example.org\u200b', 'ada@example.org'],
    ['date', '\u200e٧.٥.٢٠٢٦', '2026-05-07'],
    ['text', '\u200fنعم ٢', '\u200fنعم ٢'],
    ['date', '2026-05-07', '2026-05-07'],
    ['date', '7.5.2026', '2026-05-07'],
    ['date', '07/12/2026', '2026-12-07'],
    ['date', '29.02.2024', '2024-02-29'],
  ])('of the kind %s is read from %j as %j', (kind, text, value) => {
    expect(kept(kind, text)).toBe(value);
    expect(answered(kind, text).rest).toBe('completed ask nothing');
  });

  it.each([
    ['text', ''],
    ['text', ' \n '],
    ['text', '\0'],
    ['text', 'x'.repeat(4_097)],
    ['number', 'five'],
    ['number', '1,234.5'],
    ['number', '1,000'],
    ['number', '-999,999'],
    ['number', '1.000'],
    ['number', '10.000'],
    ['number', '1٫5٫0'],
    ['number', '1.234,5'],
    ['number', '1,2,3'],
    ['number', '0x1f'],
    ['number', '1e5'],
    ['email', 'ada'],
    ['email', 'ada@example'],
    ['email', 'a b@example.org'],
    ['email', `${'a'.repeat(250)}@example.org`],
    ['phone', '4155550123'],
    ['phone', '+1'],
    ['date', '2026-02-29'],
    ['date', '32.1.2026'],
    ['date', '1.13.2026'],
    ['date', '7.5.26'],
    ['date', '2026-05-07T10:00'],
    ['date', 'on 7.5.2026'],
    ['date', '7.5.2026 or so'],
    ['date', 'tomorrow'],
  ])('of the kind %s is not read from %j', (kind, text) => {
    const conversation = answered(kind, text);
    expect(conversation.rest).toBe('running ask reply');
    expect(conversation.state.context).toEqual({});
    expect(conversation.state.reply).toBeNull();
  });

  it.each([
    ['number', '12', '^\\d{2}$', 12],
    ['text', ' ab ', '^ab$', 'ab'],
    ['number', '1,5', ',', 1.5],
  ])('of the kind %s has to match the pattern, too: %j', (kind, text, pattern, value) => {
    expect(kept(kind, text, pattern)).toBe(value);
  });

  it.each([
    ['number', '123', '^\\d{2}$'],
    ['text', 'abc', '^ab$'],
    ['number', 'ab', '^ab$'],
  ])('of the kind %s that does not match, or only matches, is invalid: %j', (kind, text, pattern) => {
    expect(answered(kind, text, pattern).rest).toBe('running ask reply');
  });

  it('is read from what was written, whatever button came with it', () => {
    const conversation = new Conversation(question({})).reply('Hello', 'yes');
    expect(conversation.state.reply).toEqual({ text: 'Hello', choice: '', value: 'Hello' });
    expect(new Conversation(question({})).reply('', 'yes').rest).toBe('running ask reply');
  });

  it('is noted with its value, its text to 1000 characters', () => {
    const text = ` ${'x'.repeat(2_000)}`;
    const conversation = new Conversation(question({})).reply(text);
    expect(conversation.last.timeline).toEqual([
      {
        number: 3,
        type: 'reply',
        nodeId: 'ask',
        handle: 'answered',
        detail: { valid: true, wait_id: 1, text: text.slice(0, 1_000), value: text.trim() },
        warnings: [],
      },
      { number: 4, type: 'completed', nodeId: 'ask', handle: '', detail: { outcome: '' }, warnings: [] },
    ]);
    expect(conversation.state.reply).toEqual({ text, choice: '', value: text.trim() });
  });

  it('is not kept in the context where save_as is absent', () => {
    const conversation = new Conversation(question({ save_as: undefined })).reply('Hello');
    expect(conversation.state.context).toEqual({});
    expect(conversation.state.reply?.value).toBe('Hello');
  });

  it('is kept under save_as in place of what was there', () => {
    const context = { kept: { a: 1 }, other: 2 };
    const conversation = new Conversation(question({}), { context }).reply('Hello');
    expect(conversation.state.context).toEqual({ kept: 'Hello', other: 2 });
    expect(context.kept).toEqual({ a: 1 });
  });
});
