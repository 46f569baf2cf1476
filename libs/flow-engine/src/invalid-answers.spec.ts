import { describe, expect, it } from '@jest/globals';
import { ask, Conversation, entry, graph, MINUTE, NOW, say } from './testing/conversation.ts';

const question = (data: object = {}) =>
  graph(
    [
      entry,
      ask('ask', { input: { kind: 'number' }, timeout_minutes: 10, ...data }),
      say('lost', 'Never mind'),
      say('late', 'Too late'),
    ],
    'start -> ask',
    'ask.invalid -> lost',
    'ask.timeout -> late',
  );

describe('an invalid answer', () => {
  it('is answered with invalid_text, which reads the values of now', () => {
    const conversation = new Conversation(question({ invalid_text: 'A number, {{context.name}}' }), {
      context: { name: 'Ada' },
    });
    expect(conversation.reply('many').texts).toEqual(['A number, Ada']);
    expect(conversation.messages[0]).toMatchObject({ waitId: 1, choices: [] });
  });

  it('is answered with the question where there is no invalid_text', () => {
    expect(new Conversation(question()).reply('many').texts).toEqual(['Well?']);
  });

  it('keeps the wait, its timeout and the end of the session', () => {
    const conversation = new Conversation(question());
    const { wait, expiresAt } = conversation.state;
    conversation.pass(4 * MINUTE).reply('many');
    expect(conversation.state.wait).toEqual({ ...wait, attempts: 1 });
    expect(conversation.state.wait?.until).toBe(NOW + 10 * MINUTE);
    expect(conversation.state).toMatchObject({ expiresAt, lastInteractionAt: NOW, waits: 1, sprints: 2 });
    conversation.pass(6 * MINUTE).timeout();
    expect(conversation.texts).toEqual(['Too late']);
  });

  it('leaves by invalid the third time, unless the node says otherwise', () => {
    const conversation = new Conversation(question()).reply('a').reply('b');
    expect(conversation.rest).toBe('running ask reply');
    conversation.reply('c');
    expect(conversation.story).toEqual(['reply ask invalid', 'node lost default', 'completed lost']);
    expect(conversation.texts).toEqual(['Never mind']);
  });

  it('leaves by invalid at once where one attempt is all', () => {
    expect(new Conversation(question({ max_attempts: 1 })).reply('a').texts).toEqual(['Never mind']);
  });

  it('completes the session where invalid has no edge', () => {
    const alone = graph([entry, ask('ask', { max_attempts: 1 })], 'start -> ask');
    const conversation = new Conversation(alone).reply('');
    expect(conversation.story).toEqual(['reply ask invalid', 'completed ask']);
    expect(conversation.rest).toBe('completed ask nothing');
  });

  it('is noted with what was written and the attempts that are left', () => {
    const conversation = new Conversation(question()).reply(`many\0${'x'.repeat(2_000)}`);
    expect(conversation.last.timeline).toEqual([
      {
        number: 3,
        type: 'reply',
        nodeId: 'ask',
        handle: '',
        detail: { valid: false, wait_id: 1, text: `many${'x'.repeat(995)}`, attempts_left: 2 },
        warnings: [],
      },
      {
        number: 4,
        type: 'node',
        nodeId: 'ask',
        handle: '',
        detail: { node: 'ask', effect_id: 's-1.4', text: 'Well?', wait_id: 1 },
        warnings: [],
      },
    ]);
    expect(conversation.last.effects.map(({ id }) => id)).toEqual(['s-1.4']);
    conversation.reply('', 'old-button').reply('x');
    expect(conversation.last.timeline[0]?.detail).toMatchObject({ attempts_left: 0 });
  });

  it('is noted by its button where nothing was written', () => {
    const conversation = new Conversation(question()).reply('', 'old-button');
    expect(conversation.last.timeline[0]?.detail).toMatchObject({ text: 'old-button' });
  });

  it('of an earlier question does not count for a later one', () => {
    const twice = graph([entry, ask('a'), ask('b')], 'start -> a', 'a.answered -> b');
    const conversation = new Conversation(twice).reply('').reply('').reply('ok');
    expect(conversation.state.wait).toMatchObject({ id: 2, attempts: 0 });
  });
});
