import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FlowStatus, type CreateFlowRequest } from '@parley/contracts/flow-catalog';
import { DomainError } from '@parley/errors';
import { v7 as uuidv7 } from 'uuid';
import { BROKEN_GRAPH, FlowCatalogApp, GRAPH } from './testing/flow-catalog-app.ts';

const tenant = uuidv7();
let app: FlowCatalogApp;
let id: string;

beforeAll(async () => {
  app = await FlowCatalogApp.create();
  ({ id } = await app.create(tenant));
});
afterAll(() => app.close());

const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
const ofBytes = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;
const MIB = 1024 * 1024;

/** The INVALID_FIELD a call is refused with. */
const refusal = async (answer: Promise<unknown>): Promise<string> => {
  const error = await answer.then(
    () => 'accepted',
    (reason: unknown) => reason,
  );
  if (!(error instanceof DomainError)) return String(error);
  expect(error).toMatchObject({
    kind: 'invalid_argument',
    reason: 'INVALID_FIELD',
    domain: 'parley.flow_catalog.v1',
  });
  for (const { description } of error.fields) expect(description).not.toBe('');
  return error.fields.map(({ field }) => field).join();
};

describe('a field that is not valid', () => {
  const refused: [string, Partial<CreateFlowRequest>, string][] = [
    ['an empty name', { name: '' }, 'name'],
    ['a name of 256 characters', { name: 'x'.repeat(256) }, 'name'],
    ['a name with NUL', { name: 'a\0b' }, 'name'],
    ['a definition that is no JSON', { definition: '{"nodes":[' }, 'definition'],
    ['a definition that is an array', { definition: '[]' }, 'definition'],
    ['a definition that is null', { definition: 'null' }, 'definition'],
    ['a definition with NUL', { definition: '{"a":"\\u0000"}' }, 'definition'],
    ['a definition with a lone surrogate', { definition: '{"\\udc00":1}' }, 'definition'],
    ['a definition 101 levels deep', { definition: nested(101) }, 'definition'],
    ['a definition of 1 MiB and a byte', { definition: ofBytes(MIB + 1) }, 'definition'],
    ['a TTL below 0', { settings: { sessionTtlMinutes: -1, channel: '' } }, 'settings.session_ttl_minutes'],
    [
      'a TTL above 1440',
      { settings: { sessionTtlMinutes: 1_441, channel: '' } },
      'settings.session_ttl_minutes',
    ],
    [
      'a channel there is none of',
      { settings: { sessionTtlMinutes: 30, channel: 'sms' } },
      'settings.channel',
    ],
    ['two fields', { name: '', definition: '[]' }, 'name,definition'],
  ];

  it.each(refused)(
    'is refused by create and update: %s; nothing is written (P3)',
    async (_, given, named) => {
      const fresh = uuidv7();
      expect(await refusal(app.create(fresh, given))).toBe(named);
      expect((await app.list(fresh)).flows).toEqual([]);
      const before = await app.get(tenant, id);
      expect(await refusal(app.update(tenant, id, { name: 'Renamed', ...given }))).toBe(named);
      expect(await app.get(tenant, id)).toEqual(before);
    },
  );

  it.each<[string, Partial<CreateFlowRequest>, object]>([
    ['a name of 255 characters', { name: 'x'.repeat(255) }, { name: 'x'.repeat(255) }],
    ['a definition of 1 MiB', { definition: ofBytes(MIB) }, { draftDefinition: ofBytes(MIB) }],
    ['a definition 100 levels deep', { definition: nested(100) }, { draftDefinition: nested(100) }],
    [
      'a definition that white space makes longer',
      { definition: `{${' '.repeat(MIB)}}` },
      { draftDefinition: '{}' },
    ],
  ])('is not one at its limit: %s', async (_, given, kept) => {
    const flow = await app.create(uuidv7(), given);
    expect(await app.get(flow.tenantId, flow.id)).toMatchObject(kept);
  });

  it.each([
    ['tenant_id', () => app.create('x')],
    ['tenant_id', () => app.update('', id, {})],
    ['tenant_id', () => app.get('x', id)],
    ['tenant_id', () => app.list('x')],
    ['tenant_id', () => app.validate('x', GRAPH)],
    ['tenant_id', () => app.publish('x', id)],
    ['tenant_id', () => app.unpublish('x', id)],
    ['tenant_id', () => app.archive('x', id)],
    ['tenant_id', () => app.published('x', id)],
    ['tenant_id', () => app.version('x', id, 1)],
    ['tenant_id', () => app.versions('x', id)],
    ['id', () => app.update(tenant, 'x', {})],
    ['id', () => app.get(tenant, '')],
    ['id', () => app.publish(tenant, 'x')],
    ['id', () => app.unpublish(tenant, 'x')],
    ['id', () => app.archive(tenant, 'x')],
    ['flow_id', () => app.published(tenant, 'x')],
    ['flow_id', () => app.version(tenant, 'x', 1)],
    ['flow_id', () => app.versions(tenant, 'x')],
    ['version', () => app.version(tenant, id, 0)],
    ['version', () => app.version(tenant, id, -1)],
    ['definition', () => app.validate(tenant, '{')],
    ['settings.session_ttl_minutes', () => app.validate(tenant, GRAPH, 1_441)],
    ['status', () => app.list(tenant, { status: FlowStatus.UNRECOGNIZED })],
    ['page_size', () => app.list(tenant, { pageSize: 101 })],
    ['page_size', () => app.list(tenant, { pageSize: -1 })],
    ['page_size', () => app.versions(tenant, id, { pageSize: 101 })],
    ['page_token', () => app.list(tenant, { pageToken: 'x' })],
    ['page_token', () => app.list(tenant, { pageToken: Buffer.from('12').toString('base64url') })],
    [
      'page_token',
      () => app.versions(tenant, id, { pageToken: Buffer.from(uuidv7()).toString('base64url') }),
    ],
    ['page_token', () => app.versions(tenant, id, { pageToken: Buffer.from('0').toString('base64url') })],
    ['tenant_id,id', () => app.get('x', 'y')],
  ])('is named %s', async (named, request) => {
    expect(await refusal(request())).toBe(named);
  });
});

describe('validating a flow', () => {
  it('says what publishing would find, and writes nothing', async () => {
    const fresh = uuidv7();
    const { errors, warnings } = await app.validate(fresh, BROKEN_GRAPH);
    expect(errors.map(({ code, field, nodeId }) => [code, field, nodeId])).toEqual([
      ['TEMPLATE_INVALID', 'nodes[1].data.text', 'hello'],
      ['NODE_TYPE_UNKNOWN', 'nodes[2].type', 'odd'],
      ['EDGE_TO_NOWHERE', 'edges[0].target', ''],
    ]);
    expect(warnings).not.toEqual([]);
    expect(await app.validate(fresh, GRAPH)).toEqual({ errors: [], warnings: [] });
    expect((await app.list(fresh)).flows).toEqual([]);
  });

  it.each([
    [10, ['TIMEOUT_NOT_SHORTER_THAN_TTL']],
    [11, []],
    [0, []],
  ])('holds timeouts of 10 minutes against a TTL of %i', async (ttl, codes) => {
    const definition = JSON.stringify({
      nodes: [
        { id: 'start', type: 'entry', data: {} },
        { id: 'wait', type: 'delay', data: { minutes: 10 } },
        { id: 'bye', type: 'end', data: {} },
      ],
      edges: [
        { source: 'start', target: 'wait' },
        { source: 'wait', target: 'bye' },
      ],
    });
    const { errors, warnings } = await app.validate(tenant, definition, ttl);
    expect(errors).toEqual([]);
    expect(warnings.map(({ code }) => code)).toEqual(codes);
  });
});
