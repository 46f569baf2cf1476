import { describe, expect, it } from '@jest/globals';
import { chain, Conversation, say } from './testing/conversation.ts';

const context = {
  name: '  Ada é ',
  shout: 'Straße',
  total: '129.5',
  count: 1234.567,
  sign: '+7',
  half: '1.005',
  halves: 2.675,
  small: -0.001,
  below: -0.4,
  nines: 9.96,
  huge: 1e21,
  day: '2026-05-07',
  time: '2026-05-07T23:15:42+02:00',
  list: [1, 'a', { b: null }],
  empty: '',
  none: null,
  no: false,
  zero: 0,
};
const started = (template: string) =>
  new Conversation(chain(say('hi', `[{{context.${template}}}]`)), { context: { ...context, template } });

describe('a filter', () => {
  it.each([
    ['missing | default: "there"', 'there'],
    ['none | default: "there"', 'there'],
    ['empty | default: "there"', 'there'],
    ['missing | default: 1.50', '1.5'],
    ['missing | default: ""', ''],
    ['no | default: "there"', 'false'],
    ['zero | default: "there"', '0'],
    ['missing | trim | upper | default: "there"', 'there'],
    ['missing | default: "there" | upper', 'THERE'],
    ['name | trim', 'Ada é'],
    ['name | upper', '  ADA É '],
    ['shout | upper', 'STRASSE'],
    ['shout | lower', 'straße'],
    ['list | upper', '[1,"A",{"B":NULL}]'],
    ['no | upper', 'FALSE'],
    ['total | number', '129.5'],
    ['total | number: 0', '130'],
    ['total | number: 2', '129.50'],
    ['count | number: 1', '1234.6'],
    ['sign | number', '7'],
    ['half | number: 2', '1.01'],
    ['halves | number: 2', '2.68'],
    ['small | number: 2', '0.00'],
    ['small | number: 3', '-0.001'],
    ['below | number: 0', '0'],
    ['below | number: 1', '-0.4'],
    ['nines | number: 1', '10.0'],
    ['huge | number: 2', '1e+21'],
    ['zero | number: 20', '0.00000000000000000000'],
    ['day | number | default: "no number"', 'no number'],
    ['day | date', '2026-05-07'],
    ['day | date: "dd.MM.yyyy"', '07.05.2026'],
    ['time | date: "yyyy-MM-dd HH:mm:ss"', '2026-05-07 21:15:42'],
    ['time | date: "HH HH"', '21 21'],
    ['total | date | default: "no date"', 'no date'],
    ['list | json', '[1,"a",{"b":null}]'],
    ['name | json', '"  Ada é "'],
    ['none | json', 'null'],
    ['name | trim | urlencode', 'Ada%20%C3%A9'],
    ['list | urlencode', '%5B1%2C%22a%22%2C%7B%22b%22%3Anull%7D%5D'],
  ])('%s shows %s, without a warning', (template, expected) => {
    const conversation = started(template);
    expect(conversation.texts).toEqual([`[${expected}]`]);
    expect(conversation.warnings).toEqual([]);
  });

  it('json writes null for what is missing, and warns of it', () => {
    const conversation = started('missing | json');
    expect(conversation.texts).toEqual(['[null]']);
    expect(conversation.warnings).toEqual(['context.missing has no value']);
    expect(started('missing | json | default: "none"').texts).toEqual(['[none]']);
  });

  it.each(['upper', 'lower', 'trim', 'number', 'date', 'urlencode'])(
    '%s leaves what is missing missing, so that it is warned of',
    (filter) => {
      const conversation = started(`missing | ${filter}`);
      expect(conversation.texts).toEqual(['[]']);
      expect(conversation.warnings).toEqual(['context.missing has no value']);
    },
  );

  it.each(['upper', 'lower', 'trim', 'number', 'date', 'urlencode'])(
    '%s takes null for missing',
    (filter) => {
      expect(started(`none | ${filter}`).warnings).toEqual(['context.none has no value']);
    },
  );

  it.each([
    ['name | number', 'number'],
    ['list | number: 2', 'number'],
    ['no | number', 'number'],
    ['count | date', 'date'],
    ['name | date: "yyyy"', 'date'],
    ['name | date | upper', 'date'],
  ])('%s says which filter could not read the value', (template, filter) => {
    const conversation = started(template);
    expect(conversation.texts).toEqual(['[]']);
    expect(conversation.warnings).toEqual([
      `context.${template.split(' ')[0]!} is nothing that ${filter} can read`,
    ]);
  });

  it('shows nothing, not a warning, for a text that is there and empty', () => {
    expect(started('empty | upper').warnings).toEqual([]);
  });
});

describe('the filter number', () => {
  const read = (text: string) =>
    new Conversation(chain(say('hi', '{{context.n | number | default: "none"}}')), { context: { n: text } })
      .texts[0];

  it.each([
    ['5', '5'],
    ['-5.25', '-5.25'],
    [' 5\n', '5'],
    ['007', '7'],
    ['123456789012345', '123456789012345'],
  ])('reads %j as %s', (text, number) => {
    expect(read(text)).toBe(number);
  });

  it.each([
    '',
    ' ',
    '0x10',
    '1e5',
    '1,5',
    '1.',
    '.5',
    '5 €',
    'Infinity',
    'NaN',
    '1234567890123456',
    '1.2.3',
    '--1',
    '٣',
  ])('reads no number from %j', (text) => {
    expect(read(text)).toBe('none');
  });
});

describe('the filter date', () => {
  const read = (text: string) =>
    new Conversation(chain(say('hi', '{{context.d | date: "yyyy MM dd HH mm ss" | default: "none"}}')), {
      context: { d: text },
    }).texts[0];

  it.each([
    ['2026-05-07', '2026 05 07 00 00 00'],
    [' 2026-05-07 ', '2026 05 07 00 00 00'],
    ['2026-05-07T09:30', '2026 05 07 09 30 00'],
    ['2026-05-07 09:30:15', '2026 05 07 09 30 15'],
    ['2026-05-07T09:30:15.123456789Z', '2026 05 07 09 30 15'],
    ['2026-05-07T09:30-0130', '2026 05 07 11 00 00'],
    ['2024-02-29', '2024 02 29 00 00 00'],
    ['0001-01-01', '0001 01 01 00 00 00'],
  ])('reads %j as %s, in UTC', (text, date) => {
    expect(read(text)).toBe(date);
  });

  it.each([
    '2026-02-29',
    '2026-02-30T10:00Z',
    '2026-13-01',
    '2026-05-07T25:00',
    '7.5.2026',
    '2026-5-7',
    '2026-05-07T',
    '2026-05-07Z',
    '12026-05-07',
    '2026-05-07T10:00:00.1234567890Z',
    'on 2026-05-07',
    '2026-05-07 or so',
    '9999-12-31T23:59-01:00',
    '0000-01-01T00:00+01:00',
    '1778148000000',
    '',
  ])('reads no date from %j', (text) => {
    expect(read(text)).toBe('none');
  });
});

describe('filters in a row', () => {
  it('never hand on more than 10 000 characters, however often a text would double', () => {
    const text = `{{context.a${' | json'.repeat(500)}}}`;
    const conversation = new Conversation(chain(say('hi', text)), { context: { a: '"'.repeat(100) } });
    expect(conversation.texts[0]).toHaveLength(10_000);
    expect(conversation.warnings).toEqual(['a value was cut after 10000 characters']);
  });

  it('cut what has 10 001 characters, and not what has 10 000', () => {
    const cut = (length: number) =>
      new Conversation(chain(say('hi', '{{context.a | upper}}')), { context: { a: 'a'.repeat(length) } });
    expect(cut(10_000).warnings).toEqual([]);
    expect(cut(10_001).warnings).toEqual(['a value was cut after 10000 characters']);
    expect(cut(10_001).texts).toEqual(['A'.repeat(10_000)]);
  });

  it('encode a half of a character, which they may have cut, as a sign of its own', () => {
    const conversation = new Conversation(chain(say('hi', '{{context.a | lower | urlencode}}')), {
      context: { a: '\ud83e' },
    });
    expect(conversation.texts).toEqual(['%EF%BF%BD']);
  });
});
