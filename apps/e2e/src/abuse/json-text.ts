import fc from 'fast-check';
import { lookUp } from '../rest-surface.document.ts';

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: object;
  properties?: Record<string, object>;
  required?: string[];
  oneOf?: object[];
  allOf?: object[];
}

const deep = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);

/** JSON texts that have broken things: each stands where something else was asked for. */
export const HOSTILE_TEXTS: string[] = [
  ...['null', 'true', '0', '-1', '1e400', '9007199254740993', '-0', '1.5', '1e-7', '[]', '[[]]', '{}', '""'],
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202e\\u0007\\u001b[31m"',
  '"🦜🏽‍♀️"',
  `"' OR 1=1; --"`,
  '"%00"',
  '"{{context.constructor.name}}"',
  '"../../etc/passwd"',
  '"__proto__"',
  `"${'a'.repeat(100_000)}"`,
  `"${'٣'.repeat(300)}"`,
  deep(21),
  deep(5_000),
  '['.repeat(5_000) + ']'.repeat(5_000),
  '{"__proto__":{"polluted":true}}',
  '{"\\u005f\\u005fproto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '{"a":1,"a":2}',
  '{"toString":1,"valueOf":null,"hasOwnProperty":"x","length":-1,"then":"x"}',
  `[${'1,'.repeat(2_000)}1]`,
  '{"a\\u0000":1}',
  '1234567890123456789012345678901234567890',
  '0.1234567890123456789012345678901234567890',
];

const hostile = fc.constantFrom(...HOSTILE_TEXTS);
const anything = fc.oneof(
  hostile,
  fc.json({ maxDepth: 3 }),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
);

/** Texts of JSON that a schema of openapi.yaml allows, mostly; now and then something else stands in a place. */
export function jsonTextOf(schema: object, ids: string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 9, arbitrary: wellMeant(lookUp<Schema>(schema), ids) },
    { weight: 1, arbitrary: anything },
  );
}

function wellMeant(schema: Schema, ids: string[]): fc.Arbitrary<string> {
  if ('const' in schema) return fc.constant(JSON.stringify(schema.const));
  if (schema.enum) return fc.constantFrom(...schema.enum).map((value) => JSON.stringify(value));
  if (schema.oneOf) return fc.oneof(...schema.oneOf.map((one) => jsonTextOf(one, ids)));
  const type = [schema.type].flat()[0] ?? (schema.properties || schema.allOf ? 'object' : 'any');
  switch (type) {
    case 'object':
      return schema.properties
        ? objectText(schema, ids)
        : fc.json({ maxDepth: 2 }).map((text) => `{"any":${text}}`);
    case 'array':
      return fc
        .array(jsonTextOf(schema.items ?? {}, ids), { maxLength: 4 })
        .map((items) => `[${items.join(',')}]`);
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -5, max: schema.maximum ?? 5 }).map(String);
    case 'boolean':
      return fc.constantFrom('true', 'false');
    case 'null':
      return fc.constant('null');
    case 'string':
      return stringOf(schema, ids).map((text) => JSON.stringify(text));
    default:
      return fc.json({ maxDepth: 3 });
  }
}

function stringOf({ format, pattern, maxLength = 40 }: Schema, ids: string[]): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.oneof(fc.constantFrom(...ids), fc.uuid());
  if (pattern === '^\\+') {
    const number = fc.integer({ min: 0, max: 99 }).map((n) => `+141555501${String(n).padStart(2, '0')}`);
    return fc.oneof(
      number,
      fc.string().map((text) => `+${text}`),
    );
  }
  return fc.string({ unit: 'grapheme', maxLength: Math.min(maxLength, 300) });
}

/** Fields in any order, some missing, some twice, some that nobody asked for. */
function objectText({ properties = {}, required = [] }: Schema, ids: string[]): fc.Arbitrary<string> {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const field = jsonTextOf(schema, ids).map((value) => `${JSON.stringify(name)}:${value}`);
    return fc.option(field, { nil: undefined, freq: required.includes(name) ? 20 : 2 });
  });
  const extra = fc.oneof(
    { weight: 12, arbitrary: fc.constant<string[]>([]) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('__proto__', 'constructor', 'x', '', ...Object.keys(properties)), anything)
        .map(([name, value]) => [`${JSON.stringify(name)}:${value}`]),
    },
  );
  return fc
    .tuple(fc.tuple(...fields), extra)
    .map(([given, more]) => `{${[...given.filter((field) => field !== undefined), ...more].join(',')}}`);
}
