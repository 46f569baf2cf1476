import { describe, expect, it } from '@jest/globals';
import type { SprintInput } from './session-state.ts';
import { ask, chain, Conversation, entry, get, graph, MINUTE, node, say } from './testing/conversation.ts';

const rests = {
  reply: graph([entry, ask('rest', { timeout_minutes: 10 })], 'start -> rest'),
  delay: chain(node('rest', 'delay', { minutes: 10 })),
  http: chain(get('rest')),
};
const reply = (waitId: number): SprintInput => ({ type: 'reply', waitId, text: 'Hi', choice: '' });
const timeout = (waitId: number): SprintInput => ({ type: 'timeout', waitId });
const answer = (waitId: number): SprintInput => ({ type: 'http_answer', waitId, answer: { error: 'x' } });

describe('an input that a session does not wait for', () => {
  it.each<[keyof typeof rests, SprintInput, string]>([
    ['reply', { type: 'start' }, 'started'],
    ['reply', reply(2), 'other_wait'],
    ['reply', timeout(0), 'other_wait'],
    ['reply', timeout(2), 'other_wait'],
    ['reply', timeout(1), 'too_early'],
    ['reply', answer(1), 'not_waiting'],
    ['delay', reply(1), 'not_waiting'],
    ['delay', reply(0), 'not_waiting'],
    ['delay', timeout(1), 'too_early'],
    ['delay', answer(1), 'not_waiting'],
    ['http', reply(0), 'not_waiting'],
    ['http', timeout(1), 'not_waiting'],
    ['http', answer(0), 'other_wait'],
    ['http', answer(2), 'other_wait'],
  ])('(at a wait for %s, %j) is noted as %s and changes nothing else', (kind, input, reason) => {
    const conversation = new Conversation(rests[kind]);
    const before = conversation.state;
    conversation.pass(MINUTE).input(input);
    expect(conversation.last).toEqual({
      state: { ...before, entries: before.entries + 1 },
      effects: [],
      timeline: [
        {
          number: before.entries + 1,
          type: 'ignored',
          nodeId: 'rest',
          handle: '',
          detail: { input: input.type, reason, ...(input.type === 'reply' && { text: 'Hi' }) },
          warnings: [],
        },
      ],
    });
  });

  it.each([{ type: 'start' } as const, reply(0), reply(1), timeout(1), answer(1)])(
    '(after the end, %j) is noted as ended',
    (input) => {
      const conversation = new Conversation(chain(say('hi', 'Hi')));
      const before = conversation.state;
      conversation.pass(100 * MINUTE).input(input);
      expect(conversation.last.timeline).toMatchObject([
        { type: 'ignored', nodeId: 'hi', detail: { reason: 'ended' } },
      ]);
      expect(conversation.state).toEqual({ ...before, entries: before.entries + 1 });
    },
  );

  it('(the answer to a wait that has ended) is noted as such', () => {
    const twice = graph([entry, ask('a'), ask('b')], 'start -> a', 'a.answered -> b');
    const conversation = new Conversation(twice).reply('Hi', '', 1).reply('Hi', '', 1);
    expect(conversation.last.timeline).toMatchObject([{ nodeId: 'b', detail: { reason: 'other_wait' } }]);
  });

  it('is noted by its button where nothing was written, to 1000 characters, without what cannot be stored', () => {
    const conversation = new Conversation(rests.delay).reply('', 'yes');
    expect(conversation.last.timeline[0]?.detail['text']).toBe('yes');
    conversation.reply(`\0a\ud800${'x'.repeat(2_000)}`);
    expect(conversation.last.timeline[0]?.detail['text']).toBe(`a\ufffd${'x'.repeat(997)}`);
  });

  it('is taken, when it is a reply that names no wait, for the wait there is', () => {
    expect(new Conversation(rests.reply).reply('Hi', '', 0).story[0]).toBe('reply rest answered');
    expect(new Conversation(rests.reply).reply('Hi', '', 1).story[0]).toBe('reply rest answered');
  });
});
