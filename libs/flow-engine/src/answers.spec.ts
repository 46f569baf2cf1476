import { describe, expect, it } from '@jest/globals';
import { chain, MINUTE, Play, START, texts } from './testing/play.ts';

const CHOICES = [
  { id: 'yes', title: 'Yes, please' },
  { id: 'later', title: 'Later' },
];

function question(data: Record<string, unknown>): Play {
  const flow = chain(
    [
      { id: 'ask', type: 'ask', data: { text: 'Well?', save_as: 'answer', ...data } },
      { id: 'end', type: 'end' },
    ],
    ['answered', 'yes', 'later', 'invalid', 'timeout']
      .filter((handle) => (data['choices'] ? handle !== 'answered' : !['yes', 'later'].includes(handle)))
      .filter((handle) => handle !== 'timeout' || data['timeout_minutes'] !== undefined)
      .map((handle) => ['ask', handle, 'end']),
  );
  const play = new Play(flow);
  play.start();
  return play;
}

describe('a free answer', () => {
  it.each([
    ['text', '  hello ', 'hello'],
    ['text', '   ', undefined],
    ['number', '12', 12],
    ['number', ' -3.5 ', -3.5],
    ['number', '12,5', 12.5],
    ['number', '1,000,000', undefined],
    ['number', '0x10', undefined],
    ['number', 'ten', undefined],
    ['email', 'ada@example.com', 'ada@example.com'],
    ['email', 'ada@', undefined],
    ['phone', '+1 (415) 555-0123', '+14155550123'],
    ['phone', '5550123', undefined],
    ['date', '2026-05-07', '2026-05-07'],
    ['date', '7.5.2026', '2026-05-07'],
    ['date', '07/05/2026', '2026-05-07'],
    ['date', '31.02.2026', undefined],
    ['date', 'tomorrow', undefined],
  ])('of the kind %s reads %j as %j', (kind, answer, value) => {
    const play = question({ input: { kind } });
    const { state, timeline } = play.reply(answer);
    expect(timeline[0]!.detail['valid']).toBe(value !== undefined);
    expect(state.context['answer']).toEqual(value);
    expect(timeline[0]!.handle).toBe(value === undefined ? '' : 'answered');
  });

  it('has to match the pattern, too', () => {
    expect(question({ input: { kind: 'text', pattern: '^\\d{4}$' } }).reply('123').timeline[0]!.handle).toBe(
      '',
    );
    expect(question({ input: { kind: 'text', pattern: '^\\d{4}$' } }).reply('1234').timeline[0]!.handle).toBe(
      'answered',
    );
  });
});

describe('a choice', () => {
  it.each([
    ['its title, however it is written', ' YES, please ', '', 'yes'],
    ['its id', 'later', '', 'later'],
    ['its place', '2', '', 'later'],
    ['its button', '', 'yes', 'yes'],
    ['its button, whatever was written', 'later', 'yes', 'yes'],
  ])('is named by %s', (_how, text, choice, expected) => {
    const { state, timeline } = question({ choices: CHOICES }).reply(text, { choice });
    expect(timeline[0]!.handle).toBe(expected);
    expect(state.context['answer']).toBe(expected);
    expect(state.reply).toEqual({
      text: text.trim() ? text : 'Yes, please',
      choice: expected,
      value: expected,
    });
  });

  it.each(['0', '3', 'maybe', '1.0', '-1'])('is not named by %s', (text) => {
    expect(question({ choices: CHOICES }).reply(text).timeline[0]!.detail['valid']).toBe(false);
  });
});

describe('invalid answers', () => {
  it('have the question repeated in other words, and keep the wait with its timeout and the expiry', () => {
    const play = question({ choices: CHOICES, timeout_minutes: 10, invalid_text: 'Yes or later?' });
    const { wait, expiresAt, lastInteractionAt } = play.state;
    play.now += 5 * MINUTE;
    const sprint = play.reply('what?');
    expect(texts(sprint)).toEqual(['Yes or later?']);
    expect(sprint.effects[0]).toMatchObject({ choices: CHOICES, waitId: 1 });
    expect(play.state).toMatchObject({ wait: { ...wait, attempts: 1 }, expiresAt, lastInteractionAt });
  });

  it('have the question repeated as it was where there are no other words', () => {
    expect(texts(question({ choices: CHOICES }).reply('what?'))).toEqual(['Well?']);
  });

  it('take the handle invalid after max_attempts, which is 3 unless told', () => {
    const play = question({ choices: CHOICES });
    expect(play.reply('a').timeline[0]).toMatchObject({ handle: '', detail: { attempts_left: 2 } });
    expect(play.reply('b').state.status).toBe('running');
    const last = play.reply('c');
    expect(last.timeline[0]).toMatchObject({ handle: 'invalid', detail: { attempts_left: 0 } });
    expect(last.state).toMatchObject({ status: 'completed', wait: null });
    expect(last.effects).toEqual([]);
    expect(question({ choices: CHOICES, max_attempts: 1 }).reply('a').timeline[0]!.handle).toBe('invalid');
  });
});

describe('an accepted answer', () => {
  it('moves the expiry to a TTL from now', () => {
    const play = question({ choices: CHOICES });
    play.now = START + 7 * MINUTE;
    const { state } = play.reply('yes');
    expect(state).toMatchObject({ lastInteractionAt: play.now, expiresAt: play.now + 30 * MINUTE });
  });

  it('is what templates read as the reply', () => {
    const flow = chain(
      [
        { id: 'ask', type: 'ask', data: { text: '?', choices: CHOICES } },
        {
          id: 'say',
          type: 'send_message',
          data: { text: '{{reply.text}}/{{reply.choice}}/{{reply.value}}' },
        },
      ],
      [['ask', 'yes', 'say']],
    );
    const play = new Play(flow);
    play.start();
    expect(texts(play.reply('1'))).toEqual(['1/yes/yes']);
  });
});
