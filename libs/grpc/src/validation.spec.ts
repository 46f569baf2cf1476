import type { ArgumentMetadata } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { invalidFields } from '@parley/errors';
import { inTime } from '@parley/testing';
import { z } from 'zod';
import { checkItem, SchemaPipe, toFieldProblems, uuid } from './validation.ts';

describe('the path of a field', () => {
  it.each([
    [['tenantId'], 'tenant_id'],
    [['settings', 'sessionTtlMinutes'], 'settings.session_ttl_minutes'],
    [['nodes', 2, 'data', 'saveAs'], 'nodes[2].data.save_as'],
    [['requests', 0], 'requests[0]'],
    [['tags', 1, 2], 'tags[1][2]'],
    [[{ key: 'pageToken' }, { key: 3 }], 'page_token[3]'],
    [['phone'], 'phone'],
    [[], ''],
    [undefined, ''],
  ])('%j is written %s', (path, field) => {
    expect(toFieldProblems([{ path, message: 'must be a UUID' }])).toEqual([
      { field, description: 'must be a UUID' },
    ]);
  });
});

describe('what is said of fields', () => {
  const issue = (field: string, message: string) => ({ path: [field], message });

  it('is said once, in the order it was found', () => {
    const issues = [issue('b', 'is required'), issue('a', 'is required'), issue('b', 'is required')];
    expect(toFieldProblems([...issues, issue('b', 'must be a UUID')])).toEqual([
      { field: 'b', description: 'is required' },
      { field: 'a', description: 'is required' },
      { field: 'b', description: 'must be a UUID' },
    ]);
  });

  it('is the first hundred things, however many there are, and takes no longer for more', async () => {
    const issues = Array.from({ length: 200_000 }, (_, index) => issue(`tags[${index}]`, 'must be a text'));
    const problems = await inTime(100, () => Promise.resolve(toFieldProblems(issues)));
    expect(problems.map(({ field }) => field)).toEqual(
      Array.from({ length: 100 }, (_, index) => `tags[${index}]`),
    );
  });
});

describe('a UUID', () => {
  it.each([
    ['0190b0a0-0000-7000-8000-000000000000', '0190b0a0-0000-7000-8000-000000000000'],
    ['0190B0A0-0000-7000-8000-00000000000F', '0190b0a0-0000-7000-8000-00000000000f'],
    ['f47ac10b-58cc-4372-a567-0e02b2c3d479', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
    ['6ba7b810-9dad-11d1-80b4-00c04fd430c8', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
    ['1ec9414c-232a-8b00-b3c8-9e6bdeced846', '1ec9414c-232a-8b00-b3c8-9e6bdeced846'],
  ])('%s of any version is taken as %s', (given, taken) => {
    expect(uuid.parse(given)).toBe(taken);
  });

  it.each([
    '',
    'x',
    '0190b0a0-0000-7000-8000-00000000000',
    '{0190b0a0-0000-7000-8000-000000000000}',
    '0190b0a0000070008000000000000000',
  ])('%j is none', (given) => {
    expect(uuid.safeParse(given).success).toBe(false);
  });
});

describe('a value that a schema marks', () => {
  const pipe = new SchemaPipe();
  const given = (schema?: z.ZodType) => ({ type: 'body', ...(schema && { schema }) }) as ArgumentMetadata;

  it('is what the schema makes of it', () => {
    const schema = z.object({ name: z.string().trim(), size: z.number().default(5) });
    expect(pipe.transform({ name: ' x ', other: 1 }, given(schema))).toEqual({ name: 'x', size: 5 });
  });

  it('is refused with every field at fault', () => {
    const schema = z.object({
      tenantId: z.string('must be a string'),
      list: z.array(z.number('must be a number')),
    });
    expect(() => pipe.transform({ tenantId: 1, list: [1, 'x'] }, given(schema))).toThrow(
      invalidFields([
        { field: 'tenant_id', description: 'must be a string' },
        { field: 'list[1]', description: 'must be a number' },
      ]),
    );
  });

  it('keeps keys that are special in JavaScript', () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1},"constructor":{"b":2}}');
    expect(JSON.stringify(pipe.transform(value, given(z.unknown())))).toBe(
      '{"__proto__":{"a":1},"constructor":{"b":2}}',
    );
  });

  it('passes as it is without a schema', () => {
    const value = { a: 1 };
    expect(pipe.transform(value, given())).toBe(value);
  });
});

it.each<[z.ZodType, unknown, string]>([
  [z.string(), undefined, 'is required'],
  [z.string(), 1, 'must be a string'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.object({}), [], 'must be an object'],
  [z.array(z.string()), {}, 'must be an array'],
  [z.boolean(), 'yes', 'must be true or false'],
  [z.enum(['GET', 'POST']), 'get', 'must be one of "GET", "POST"'],
  [z.enum(['GET', 'POST']), undefined, 'is required'],
  [z.literal('text'), 'x', 'must be "text"'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().min(3), 'x', 'must have at least 3 characters'],
  [z.string().max(2), 'xxx', 'must not be longer than 2 characters'],
  [z.array(z.string()).min(1), [], 'must not be empty'],
  [z.array(z.string()).max(1), ['a', 'b'], 'must not have more than 1 items'],
  [z.number().min(1), 0, 'must be at least 1'],
  [z.number().gt(1), 1, 'must be more than 1'],
  [z.number().max(1), 2, 'must be at most 1'],
  [z.number().lt(1), 1, 'must be less than 1'],
  [z.string('has words of its own'), 1, 'has words of its own'],
])('says in our words what is wrong (%#)', (schema, value, description) => {
  const error = checkItem(z.object({ field: schema }), { field: value });
  expect(error).toMatchObject({ fields: [{ field: 'field', description }] });
});
