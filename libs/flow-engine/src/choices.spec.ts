import { describe, expect, it } from '@jest/globals';
import { ask, Conversation, entry, graph, say } from './testing/conversation.ts';

const choices = [
  { id: 'yes', title: 'Yes, please' },
  { id: 'later', title: '3' },
  { id: 'no', title: ' Nò ' },
];
const definition = graph(
  [
    entry,
    ask('ask', { input: undefined, choices, save_as: 'answer' }),
    say('pay', 'Pay here'),
    say('wait', 'See you'),
  ],
  'start -> ask',
  'ask.yes -> pay',
  'ask.later -> wait',
);
const asked = () => new Conversation(definition);

describe('a question with choices', () => {
  it('is sent with them and with the wait that a reply is for', () => {
    expect(asked().last.effects).toEqual([
      {
        id: 's-1.2',
        nodeId: 'ask',
        type: 'message',
        text: 'Well?',
        template: null,
        media: null,
        choices,
        waitId: 1,
      },
    ]);
  });

  it.each([
    ['its button', '', 'yes', 'yes'],
    ['its button, whatever text came along', 'later', 'yes', 'yes'],
    ['its title', 'Yes, please', '', 'yes'],
    ['its title in other cases and with spaces', '  yES, PLEASE\n', '', 'yes'],
    ['its title with spaces of its own', 'nò', '', 'no'],
    ['its title in another form of Unicode', 'No\u0300', '', 'no'],
    ['its title in full-width letters', 'Ｙes, please', '', 'yes'],
    ['its id', 'YES', '', 'yes'],
    ['its place', '1', '', 'yes'],
    ['its place with a zero before it', ' 02 ', '', 'later'],
    ['its place with a point', '1.', '', 'yes'],
    ['its place with a bracket', '2)', '', 'later'],
    ['its place as an emoji', '1\ufe0f\u20e3', '', 'yes'],
    ['a title that looks like a place', '3', '', 'later'],
    ['its text where the button is of something else', 'no', 'old', 'no'],
  ])('takes one that is named by %s', (_what, text, choice, id) => {
    const conversation = asked().reply(text, choice);
    expect(conversation.state.context).toEqual({ answer: id });
    expect(conversation.last.timeline[0]).toMatchObject({ type: 'reply', handle: id });
  });

  it.each([
    '',
    ' ',
    'maybe',
    'yes please',
    'ye',
    '0',
    '4',
    '003',
    '-1',
    '1.1',
    '1.)',
    '(1)',
    'one',
    `yes${' '.repeat(4_094)}`,
  ])('takes none for %j', (text) => {
    expect(asked().reply(text).rest).toBe('running ask reply');
  });

  it('does not take the button of another question', () => {
    expect(asked().reply('', 'answered').rest).toBe('running ask reply');
    expect(asked().reply('', '__proto__').rest).toBe('running ask reply');
  });

  it('goes on by the edge of the choice, or ends where it has none', () => {
    expect(asked().reply('', 'yes').texts).toEqual(['Pay here']);
    expect(asked().reply('', 'later').texts).toEqual(['See you']);
    expect(asked().reply('', 'no').story).toEqual(['reply ask no', 'completed ask']);
  });

  it('remembers what was written, and the title where a button came alone', () => {
    expect(asked().reply('1').state.reply).toEqual({ text: '1', choice: 'yes', value: 'yes' });
    expect(asked().reply('', 'yes').state.reply).toEqual({
      text: 'Yes, please',
      choice: 'yes',
      value: 'yes',
    });
    expect(asked().reply('a\0', 'yes').state.reply?.text).toBe('a');
  });

  it('remembers no more than 4096 characters of what came with a button', () => {
    expect(asked().reply('x'.repeat(100_000), 'yes').state.reply?.text).toBe('x'.repeat(4_096));
  });

  it.each([
    ['Straße', 'STRASSE'],
    ["Plus d'infos", 'plus d’infos'],
    ['A “yes”', 'a "yes"'],
    ['STRASSE', 'straße'],
    ['İstanbul', 'istanbul'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['❤️', '❤'],
    ['نعم', '\u200fنعم'],
    ['👩‍🚀', '👩‍🚀\u200b'],
  ])('takes for the title %j the answer %j', (title, answer) => {
    const other = { id: 'other', title: 'Other' };
    const asking = graph(
      [entry, ask('ask', { input: undefined, choices: [other, { id: 'it', title }], save_as: 'answer' })],
      'start -> ask',
    );
    expect(new Conversation(asking).reply(answer).state.context).toEqual({ answer: 'it' });
  });

  it('takes a place in the digits of the contact', () => {
    expect(asked().reply('٢').state.context).toEqual({ answer: 'later' });
  });
});
