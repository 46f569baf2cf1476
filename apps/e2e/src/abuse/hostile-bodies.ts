import { HOSTILE_TEXTS } from './json-text.ts';

/** A body that no route should read, or that should do nothing when it does. */
export interface HostileBody {
  name: string;
  bytes: string | Uint8Array;
  /** Default application/json. */
  type?: string;
  headers?: Record<string, string>;
  /** What every route that takes a body answers; absent where it depends on the fields the route knows. */
  status?: number;
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A JSON object with these fields, each of which routes of ours take. */
const FIELDS = [
  'flow_id',
  'contact_id',
  'phone',
  'name',
  'email',
  'tags',
  'metadata',
  'context',
  'definition',
];
const MORE_FIELDS = ['settings', 'query', 'tag', 'locale'];
const withAll = (value: string): string =>
  `{${[...FIELDS, ...MORE_FIELDS].map((name) => `"${name}":${value}`).join(',')}}`;

export const HOSTILE_BODIES: HostileBody[] = [
  { name: '2 MiB and one byte', bytes: `{"x":"${'x'.repeat(2 * 1024 * 1024 - 7)}"}`, status: 413 },
  { name: 'one value inside another 100 000 times', bytes: '['.repeat(100_000), status: 400 },
  { name: 'a list inside a list 100 000 times', bytes: `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}` },
  { name: 'a NUL between its tokens', bytes: '{\0}', status: 400 },
  { name: 'a NUL within a text', bytes: '{"name":"a\0b"}', status: 400 },
  { name: 'an overlong encoding of a slash', bytes: latin1('{"name":"\xc0\xaf"}'), status: 400 },
  { name: 'half of a character', bytes: latin1('{"name":"\xe0\xa4'), status: 400 },
  { name: 'a surrogate in UTF-8', bytes: latin1('{"name":"\xed\xa0\x80"}'), status: 400 },
  { name: 'UTF-16', bytes: Buffer.from('\ufeff{"name":"x"}', 'utf16le'), status: 400 },
  { name: 'a number that ends in a dot', bytes: '{"n":1.}', status: 400 },
  { name: 'NaN', bytes: '{"n":NaN}', status: 400 },
  { name: 'a comment', bytes: '{/* */}', status: 400 },
  { name: 'single quotes', bytes: "{'name':'x'}", status: 400 },
  { name: 'gzip', bytes: Buffer.from('1f8b0800000000000003ab56ca4bcc4d55b2', 'hex'), status: 400 },
  { name: 'XML that says it is JSON', bytes: '<?xml version="1.0"?><a/>', status: 400 },
  { name: 'a list', bytes: '[]', status: 422 },
  { name: 'null', bytes: 'null', status: 422 },
  { name: 'JSON that says it is XML', bytes: '{}', type: 'application/xml', status: 415 },
  {
    name: 'JSON that says it is a form',
    bytes: '{}',
    type: 'application/x-www-form-urlencoded',
    status: 415,
  },
  { name: 'JSON of a type of its own', bytes: '{}', type: 'application/vnd.api+json', status: 415 },
  { name: 'a type of 8,000 characters', bytes: '{}', type: `text/${'x'.repeat(8_000)}`, status: 415 },
  { name: 'every field twice', bytes: `{${FIELDS.map((name) => `"${name}":1,"${name}":[]`).join(',')}}` },
  { name: '100 000 keys', bytes: `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join(',')}}` },
  ...HOSTILE_TEXTS.map((text) => ({ name: `every field ${shortly(text)}`, bytes: withAll(text) })),
];

function shortly(text: string): string {
  return text.length > 60 ? `${text.slice(0, 40)}… of ${text.length} characters` : text;
}
