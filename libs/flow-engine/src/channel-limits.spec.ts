import { describe, expect, it } from '@jest/globals';
import { checkFlow } from './check-flow.ts';

const check = (data: object, type: string, channel = '') => {
  const definition = {
    nodes: [
      { id: 'start', type: 'entry' },
      { id: 'node', type, data },
    ],
    edges: [],
  };
  return checkFlow(definition, { sessionTtlMinutes: 30, channel }).errors;
};

const choices = (...titles: string[]) => titles.map((title, index) => ({ id: `c${index}`, title }));
const LONG = 'x'.repeat(21);
const ask = (more: object) => ({ text: 'Well?', ...more });

describe('a flow made for WhatsApp', () => {
  it.each<[string, string, object, string[]]>([
    ['three buttons', 'ask', ask({ choices: choices('a', 'b', 'x'.repeat(20)) }), []],
    ['a button of 21 characters', 'ask', ask({ choices: choices('a', LONG) }), ['choices[1].title']],
    ['a list with a row of 24', 'ask', ask({ choices: choices('a', 'b', 'c', 'x'.repeat(24)) }), []],
    ['a question of 1024', 'ask', ask({ text: 'x'.repeat(1_024), choices: choices('a') }), []],
    ['a question of 1025', 'ask', ask({ text: 'x'.repeat(1_025), choices: choices('a') }), ['text']],
    [
      'a question of 1024 and a template',
      'ask',
      ask({
        text: `${'x'.repeat(1_024)}{{context.cart_id | default: "a very long one"}}`,
        choices: choices('a'),
      }),
      [],
    ],
    [
      'an answer to invalid answers of 1025',
      'ask',
      ask({ choices: choices('a'), invalid_text: 'x'.repeat(1_025) }),
      ['invalid_text'],
    ],
    ['a free question of 4096', 'ask', ask({ text: 'x'.repeat(4_096), input: { kind: 'text' } }), []],
    ['a text of 4096', 'send_message', { text: 'x'.repeat(4_096) }, []],
    [
      'a picture with a text of 1025',
      'send_message',
      { text: 'x'.repeat(1_025), media: { type: 'image', url: 'https://shop.example/a.png' } },
      ['text'],
    ],
    [
      'a picture whose text and caption are 1024 with what is between them',
      'send_message',
      {
        text: 'x'.repeat(511),
        media: { type: 'image', url: 'https://shop.example/a.png', caption: 'x'.repeat(511) },
      },
      [],
    ],
    [
      'a picture whose text and caption are 1025 with what is between them',
      'send_message',
      {
        text: 'x'.repeat(511),
        media: { type: 'image', url: 'https://shop.example/a.png', caption: 'x'.repeat(512) },
      },
      ['text'],
    ],
    [
      'a template with a picture that has a caption',
      'send_message',
      {
        template: { name: 'hello', language: 'en' },
        media: { type: 'image', url: 'https://shop.example/a.png', caption: 'hi' },
      },
      ['media.caption'],
    ],
    [
      'a template with a recording',
      'send_message',
      {
        template: { name: 'hello', language: 'en' },
        media: { type: 'audio', url: 'https://shop.example/a.ogg' },
      },
      ['media.type'],
    ],
    [
      'a recording with a text',
      'send_message',
      { text: 'Listen', media: { type: 'audio', url: 'https://shop.example/a.ogg' } },
      ['text'],
    ],
    [
      'a template with a picture',
      'send_message',
      {
        template: { name: 'hello', language: 'en' },
        media: { type: 'image', url: 'https://shop.example/a.png' },
      },
      [],
    ],
  ])('with %s', (_what, type, data, fields) => {
    expect(
      check(data, type, 'whatsapp').map(({ code, field, nodeId }) => `${code} ${field} ${nodeId}`),
    ).toEqual(fields.map((field) => `CHANNEL_LIMIT_EXCEEDED nodes[1].data.${field} node`));
  });
});

describe('a flow made for any channel, or for a webhook', () => {
  it.each([undefined, '', 'webhook'])('has no limits of one (%s)', (channel) => {
    const data = ask({ text: 'x'.repeat(4_000), choices: choices(LONG) });
    expect(check(data, 'ask', channel)).toEqual([]);
  });
});
