import { describe, expect, it } from '@jest/globals';
import { parseTemplate } from './template.ts';

const value = (root: string, path: string[], ...filters: object[]) => ({ root, path, filters });

describe('parseTemplate', () => {
  it.each([
    ['nothing', '', []],
    ['a text without templates', 'Hello } {x} }}', ['Hello } {x} }}']],
    ['a path', '{{context.cart_id}}', [value('context', ['cart_id'])]],
    ['white space around a path', '{{\n contact.name\t}}', [value('contact', ['name'])]],
    ['a deep path with an index', '{{context.items.0.name}}', [value('context', ['items', '0', 'name'])]],
    ['letters of any script', '{{context.größe-é}}', [value('context', ['größe-é'])]],
    ['letters with marks', '{{context.नाम}}', [value('context', ['नाम'])]],
    ['names that objects inherit', '{{context.__proto__.x}}', [value('context', ['__proto__', 'x'])]],
    [
      'text between values',
      'Hi {{contact.name}}, {{reply.text}}!',
      ['Hi ', value('contact', ['name']), ', ', value('reply', ['text']), '!'],
    ],
    [
      'a value inside JSON',
      '{"a":{{context.a|json}}}',
      ['{"a":', value('context', ['a'], { name: 'json' }), '}'],
    ],
    [
      'several filters',
      '{{ flow.name | trim|upper }}',
      [value('flow', ['name'], { name: 'trim' }, { name: 'upper' })],
    ],
    [
      'a filter with a text, which may hold }}',
      '{{ session.id | default: "}} it\'s" }}',
      [value('session', ['id'], { name: 'default', argument: "}} it's" })],
    ],
    [
      'a filter with a number',
      '{{ context.total | default: -1.5 | number: 2 }}',
      [value('context', ['total'], { name: 'default', argument: -1.5 }, { name: 'number', argument: 2 })],
    ],
    [
      'a format of a date',
      "{{ context.day | date: 'dd.MM.yyyy, HH:mm' }}",
      [value('context', ['day'], { name: 'date', argument: 'dd.MM.yyyy, HH:mm' })],
    ],
  ])('reads %s', (_what, text, parts) => {
    expect(parseTemplate(text)).toEqual({ parts });
  });

  it.each([
    ['an empty value', '{{}}', 'expected a path such as context.name at character 3'],
    ['a value that is not closed', 'Hi {{context.name', 'the template at character 4 is not closed with }}'],
    ['braces with nothing behind them', '{{', 'the template at character 1 is not closed with }}'],
    ['a value closed with one brace', '{{context.name} x', 'expected | or }} at character 15'],
    ['a value inside a value', '{{context.a.{{x}}}}', 'expected | or }} at character 12'],
    ['three braces', '{{{context.a}}}', 'expected a path such as context.name at character 3'],
    [
      'an unknown root',
      '{{env.HOME}}',
      'the template at character 1 must start with context, contact, flow, session, reply',
    ],
    [
      'a root that objects inherit',
      '{{constructor.name}}',
      'the template at character 1 must start with context, contact, flow, session, reply',
    ],
    [
      'a root alone',
      '{{reply}}',
      'the template at character 1 must name something in reply, such as reply.name',
    ],
    ['a path with a gap', '{{context.a..b}}', 'expected | or }} at character 12'],
    ['a call', '{{context.a()}}', 'expected | or }} at character 12'],
    ['a filter without a name', '{{context.a | }}', 'expected a filter at character 15'],
    [
      'an unknown filter',
      '{{context.a | eval}}',
      'the template at character 1 must use the filters default, upper, lower, trim, number, date, json, urlencode',
    ],
    [
      'a filter that objects inherit',
      '{{context.a | constructor}}',
      'the template at character 1 must use the filters default, upper, lower, trim, number, date, json, urlencode',
    ],
    [
      'a default of nothing',
      '{{context.a | default}}',
      'the template at character 1 must give default an argument',
    ],
    [
      'an argument too many',
      '{{context.a | upper: 1}}',
      'the template at character 1 must give upper no argument',
    ],
    [
      'an argument that is missing',
      '{{context.a | default: }}',
      'expected a text in quotes or a number at character 24',
    ],
    [
      'a text that is not closed',
      '{{context.a | default: "x }}',
      'expected a text in quotes or a number at character 24',
    ],
    [
      'half a decimal',
      '{{context.a | number: 0.5}}',
      'the template at character 1 must give number a whole number from 0 to 20',
    ],
    [
      'an unknown format',
      '{{context.a | date: "D. MMMM"}}',
      'the template at character 1 must give date a format of yyyy, MM, dd, HH, mm, ss and signs between them',
    ],
  ])('refuses %s', (_what, text, problem) => {
    expect(parseTemplate(text)).toEqual({ problem });
  });

  it.each([
    ['opening braces', '{{'.repeat(50_000)],
    ['one long path', `{{context${'.a'.repeat(50_000)}`],
    ['filters', `{{context.a${'|upper'.repeat(20_000)}`],
    ['white space', `{{${' '.repeat(100_000)}`],
    ['quotes', `{{context.a|default:${'"'.repeat(99_999)}`],
  ])('refuses 100 000 characters of %s without going over them again and again', (_what, text) => {
    expect(parseTemplate(text)).toHaveProperty('problem');
  });

  it('reads 20 000 values in one text', () => {
    const parsed = parseTemplate('{{context.a}}'.repeat(20_000));
    expect('parts' in parsed && parsed.parts).toHaveLength(20_000);
  });
});

// What a template prints is the renderer's, in rendering.spec.ts: own properties only, values printed and never parsed again,
// and an end to the length of what is printed.
describe('a hostile template', () => {
  it.each([
    ['{{context.constructor.name}}', ['constructor', 'name']],
    ['{{context.__proto__.polluted}}', ['__proto__', 'polluted']],
    ['{{context.constructor.prototype.x}}', ['constructor', 'prototype', 'x']],
    ['{{context.toString}}', ['toString']],
  ])('%s is a path of plain names, none of which is looked up while it is read (29)', (text, path) => {
    expect(parseTemplate(text)).toEqual({ parts: [value('context', path)] });
  });

  it.each([
    '{{constructor.constructor("return process")()}}',
    '{{context["constructor"]}}',
    '{{context.a[0]}}',
    '{{context.a; context.b}}',
    '{{context.a = 1}}',
    '{{`${context.a}`}}',
    '{{#if context.a}}x{{/if}}',
    '{{> context.a}}',
    '{{&context.a}}',
    '{{context.a | default: {{context.b}} }}',
    '{{this.context.a}}',
    '{{context.a\0}}',
  ])('%s, which other engines would run, is refused (29)', (text) => {
    expect(parseTemplate(text)).toHaveProperty('problem');
  });

  it.each([
    '${context.a}',
    '<%= context.a %>',
    '{%context.a%}',
    '{context.a}',
    '\\u007b\\u007bcontext.a}}',
    '&#123;&#123;context.a}}',
  ])('%s is literal text (29)', (text) => {
    expect(parseTemplate(text)).toEqual({ parts: [text] });
  });

  it('with a path of 1000 levels, or 1 MB long, is read once, in the time that takes (29)', () => {
    const levels = Array.from({ length: 1_000 }, (_, level) => `l${level}`);
    expect(parseTemplate(`{{context.${levels.join('.')}}}`)).toEqual({ parts: [value('context', levels)] });
    const parsed = parseTemplate(`{{context${'.a'.repeat(500_000)}}}`);
    expect('parts' in parsed && (parsed.parts[0] as { path: string[] }).path).toHaveLength(500_000);
    const literal = '{x}}'.repeat(250_000);
    expect(parseTemplate(literal)).toEqual({ parts: [literal] });
  });
});
