import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FlowStatus } from '@parley/contracts/flow-catalog';
import { v7 as uuidv7 } from 'uuid';
import { BROKEN_GRAPH, FlowCatalogApp, GRAPH } from './testing/flow-catalog-app.ts';

let app: FlowCatalogApp;
let tenant: string;

beforeAll(async () => {
  app = await FlowCatalogApp.create();
});
beforeEach(() => {
  tenant = uuidv7();
});
afterAll(() => app.close());

const NOT_FOUND = { kind: 'not_found', reason: 'FLOW_NOT_FOUND', domain: 'parley.flow_catalog.v1' };
const ARCHIVED = { kind: 'failed_precondition', reason: 'FLOW_ARCHIVED', domain: 'parley.flow_catalog.v1' };

describe('creating a flow', () => {
  it('makes a draft that is read at once', async () => {
    const flow = await app.create(tenant, { name: 'Cart', settings: { sessionTtlMinutes: 5, channel: '' } });
    expect(flow).toEqual({
      tenantId: tenant,
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      name: 'Cart',
      triggerType: 'api',
      status: FlowStatus.DRAFT,
      draftDefinition: GRAPH,
      settings: { sessionTtlMinutes: 5, channel: '' },
      publishedVersion: 0,
      publishedAt: undefined,
      createdAt: expect.any(Date),
      updatedAt: flow.createdAt,
    });
    expect(await app.get(tenant, flow.id)).toEqual(flow);
  });

  it('takes an empty graph and a TTL of 30 minutes where none is given', async () => {
    const flow = await app.create(tenant, { definition: '' });
    expect(flow.draftDefinition).toBe('{"nodes":[],"edges":[]}');
    expect(flow.settings).toEqual({ sessionTtlMinutes: 30, channel: '' });
  });

  it.each([
    [0, 30],
    [1, 1],
    [1_440, 1_440],
  ])('takes a TTL of %i minutes as %i', async (given, taken) => {
    const flow = await app.create(tenant, { settings: { sessionTtlMinutes: given, channel: '' } });
    expect(flow.settings).toEqual({ sessionTtlMinutes: taken, channel: '' });
    const updated = await app.update(tenant, flow.id, {
      settings: { sessionTtlMinutes: given, channel: '' },
    });
    expect(updated.settings).toEqual({ sessionTtlMinutes: taken, channel: '' });
  });

  it('lets two flows have one name', async () => {
    const [first, second] = [await app.create(tenant), await app.create(tenant)];
    expect(first.name).toBe(second.name);
    expect(first.id).not.toBe(second.id);
  });

  it.each([
    ['a graph with errors', BROKEN_GRAPH],
    ['an object that is no graph', '{"hello":"world"}'],
    ['keys that are special in JavaScript', '{"__proto__":{"a":1},"constructor":{"prototype":1},"nodes":[]}'],
    ['keys in any order and any script', '{"z":1,"a":[1.5,-2e-7,null],"ünï":"🦜 \\"q\\" \\\\"}'],
  ])('keeps %s as a draft, exactly as it was sent', async (_, definition) => {
    const { id } = await app.create(tenant, { definition });
    expect((await app.get(tenant, id)).draftDefinition).toBe(definition);
  });
});

describe('updating a draft', () => {
  it.each([
    ['the name', { name: 'Renamed' }, { name: 'Renamed' }],
    ['the graph', { definition: '{"nodes":[]}' }, { draftDefinition: '{"nodes":[]}' }],
    [
      'all settings',
      { settings: { sessionTtlMinutes: 9, channel: '' } },
      { settings: { sessionTtlMinutes: 9, channel: '' } },
    ],
    [
      'all settings, and then some',
      { settings: { sessionTtlMinutes: 9, channel: '' }, settingsChange: { channel: 'whatsapp' } },
      { settings: { sessionTtlMinutes: 9, channel: 'whatsapp' } },
    ],
    [
      'the TTL',
      { settingsChange: { sessionTtlMinutes: 7 } },
      { settings: { sessionTtlMinutes: 7, channel: 'webhook' } },
    ],
    [
      'the channel',
      { settingsChange: { channel: 'whatsapp' } },
      { settings: { sessionTtlMinutes: 5, channel: 'whatsapp' } },
    ],
    [
      'the channel to none',
      { settingsChange: { channel: '' } },
      { settings: { sessionTtlMinutes: 5, channel: '' } },
    ],
    ['nothing, when nothing is given', {}, {}],
  ])('changes %s and leaves the rest', async (_, given, change) => {
    const flow = await app.create(tenant, { settings: { sessionTtlMinutes: 5, channel: 'webhook' } });
    const updated = await app.update(tenant, flow.id, given);
    expect(updated).toEqual({ ...flow, ...change, updatedAt: updated.updatedAt });
    expect(await app.get(tenant, flow.id)).toEqual(updated);
  });

  it('moves updated_at forward when something changes and only then', async () => {
    const flow = await app.create(tenant);
    expect((await app.update(tenant, flow.id, { name: flow.name })).updatedAt).toEqual(flow.updatedAt);
    const changed = await app.update(tenant, flow.id, { name: 'Renamed' });
    expect(changed.updatedAt!.getTime()).toBeGreaterThan(flow.updatedAt!.getTime());
  });

  it('leaves what is published as it is', async () => {
    const { id } = await app.create(tenant, { name: 'First' });
    await app.publish(tenant, id);
    const version = await app.version(tenant, id, 1);
    const draft = await app.update(tenant, id, {
      name: 'Second',
      definition: BROKEN_GRAPH,
      settingsChange: { sessionTtlMinutes: 9 },
    });
    expect(draft).toMatchObject({ status: FlowStatus.PUBLISHED, publishedVersion: 1, name: 'Second' });
    expect(await app.version(tenant, id, 1)).toEqual(version);
    expect(await app.published(tenant, id)).toEqual({
      tenantId: tenant,
      flowId: id,
      version: 1,
      name: 'First',
      readsContact: true,
    });
  });

  it('loses no change to another made at the same time', async () => {
    const { id } = await app.create(tenant);
    await Promise.all([
      app.update(tenant, id, { name: 'Renamed' }),
      app.update(tenant, id, { definition: BROKEN_GRAPH }),
      app.update(tenant, id, { settingsChange: { sessionTtlMinutes: 9 } }),
    ]);
    expect(await app.get(tenant, id)).toMatchObject({
      name: 'Renamed',
      draftDefinition: BROKEN_GRAPH,
      settings: { sessionTtlMinutes: 9 },
    });
  });
});

describe('an archived flow', () => {
  it('is put away for good: it takes no change, and stays readable', async () => {
    const { id } = await app.create(tenant);
    await app.publish(tenant, id);
    const archived = await app.archive(tenant, id);
    expect(archived).toMatchObject({
      status: FlowStatus.ARCHIVED,
      publishedVersion: 0,
      publishedAt: undefined,
    });
    expect(await app.archive(tenant, id)).toEqual(archived);
    await expect(app.update(tenant, id, { name: 'x' })).rejects.toMatchObject(ARCHIVED);
    await expect(app.publish(tenant, id)).rejects.toMatchObject(ARCHIVED);
    await expect(app.unpublish(tenant, id)).rejects.toMatchObject(ARCHIVED);
    expect(await app.get(tenant, id)).toEqual(archived);
    await expect(app.published(tenant, id)).rejects.toMatchObject({ reason: 'FLOW_NOT_PUBLISHED' });
    expect(await app.version(tenant, id, 1)).toMatchObject({ version: 1 });
  });
});

describe('a flow that is not there', () => {
  it("is not found by any RPC, and another tenant's is answered as an unknown one (P8)", async () => {
    const flow = await app.create(tenant);
    await app.publish(tenant, flow.id);
    const before = await app.get(tenant, flow.id);
    const other = uuidv7();
    const errorsOf = (id: string) =>
      Promise.all(
        [
          app.get(other, id),
          app.update(other, id, { name: 'x' }),
          app.publish(other, id),
          app.unpublish(other, id),
          app.archive(other, id),
          app.versions(other, id),
        ].map((answer) => answer.then(() => 'accepted').catch((error: unknown) => error)),
      );
    const theirs = await errorsOf(flow.id);
    expect(theirs).toEqual(Array.from({ length: 6 }, () => expect.objectContaining(NOT_FOUND)));
    expect(theirs).toEqual(await errorsOf(uuidv7()));
    for (const id of [flow.id, uuidv7()]) {
      await expect(app.published(other, id)).rejects.toMatchObject({
        kind: 'not_found',
        reason: 'FLOW_NOT_PUBLISHED',
      });
    }
    await expect(app.version(other, flow.id, 1)).rejects.toMatchObject({ reason: 'FLOW_VERSION_NOT_FOUND' });
    expect((await app.list(other)).flows).toEqual([]);
    expect(await app.get(tenant, flow.id)).toEqual(before);
  });
});
