import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FlowStatus } from '@parley/contracts/flow-catalog';
import { call } from '@parley/grpc';
import { v7 as uuidv7 } from 'uuid';
import { BROKEN_GRAPH, FlowCatalogApp, GRAPH, GRAPH_WITHOUT_ENTRY } from './testing/flow-catalog-app.ts';

let app: FlowCatalogApp;
let tenant: string;
let id: string;

beforeAll(async () => {
  app = await FlowCatalogApp.create();
  await app.addReplica();
});
beforeEach(async () => {
  tenant = uuidv7();
  ({ id } = await app.create(tenant, { name: 'Cart', settings: { sessionTtlMinutes: 5, channel: '' } }));
});
afterAll(() => app.close());

const numbers = async () => (await app.versions(tenant, id)).versions.map(({ version }) => version);

describe('publishing a flow', () => {
  it('makes the draft a version with its name, graph and settings, and the flow startable', async () => {
    const { flow, warnings } = await app.publish(tenant, id);
    expect(warnings).toEqual([]);
    expect(flow).toMatchObject({
      status: FlowStatus.PUBLISHED,
      publishedVersion: 1,
      publishedAt: expect.any(Date),
    });
    expect(await app.version(tenant, id, 1)).toEqual({
      tenantId: tenant,
      flowId: id,
      version: 1,
      name: 'Cart',
      definition: GRAPH,
      settings: { sessionTtlMinutes: 5, channel: '' },
      entryNodeId: 'start',
      publishedAt: flow!.publishedAt,
    });
    expect(await app.published(tenant, id)).toEqual({
      tenantId: tenant,
      flowId: id,
      version: 1,
      name: 'Cart',
      readsContact: true,
    });
    expect(await app.get(tenant, id)).toEqual(flow);
  });

  it('numbers versions 1, 2, 3 and never changes one', async () => {
    const first = await app.publish(tenant, id).then(() => app.version(tenant, id, 1));
    await app.update(tenant, id, { name: 'Renamed' });
    expect((await app.publish(tenant, id)).flow!.publishedVersion).toBe(2);
    const second = await app.version(tenant, id, 2);
    await app.update(tenant, id, {
      settingsChange: { sessionTtlMinutes: 9 },
      definition: GRAPH_WITHOUT_ENTRY,
    });
    expect((await app.publish(tenant, id)).flow!.publishedVersion).toBe(3);
    expect(await app.version(tenant, id, 1)).toEqual(first);
    expect(await app.version(tenant, id, 2)).toEqual(second);
    expect(second).toMatchObject({
      name: 'Renamed',
      definition: GRAPH,
      settings: { sessionTtlMinutes: 5, channel: '' },
    });
    expect(await numbers()).toEqual([3, 2, 1]);
  });

  it.each([
    ['the name', { name: 'Renamed' }],
    ['the graph', { definition: GRAPH_WITHOUT_ENTRY }],
    ['the TTL', { settingsChange: { sessionTtlMinutes: 6 } }],
    ['the channel', { settingsChange: { channel: 'whatsapp' } }],
  ])('makes a new version when %s changed', async (_, change) => {
    await app.publish(tenant, id);
    await app.update(tenant, id, change);
    expect((await app.publish(tenant, id)).flow!.publishedVersion).toBe(2);
  });

  it('publishes nothing new for a draft equal to the version published now', async () => {
    const { flow } = await app.publish(tenant, id);
    await app.update(tenant, id, { name: 'Other' });
    await app.update(tenant, id, { name: 'Cart' });
    const again = await app.publish(tenant, id);
    expect(again.flow).toEqual({ ...flow, updatedAt: again.flow!.updatedAt });
    expect(await numbers()).toEqual([1]);
  });

  it('makes a new version of an old draft when another one was published in between', async () => {
    await app.publish(tenant, id);
    await app.update(tenant, id, { name: 'Other' });
    await app.publish(tenant, id);
    await app.update(tenant, id, { name: 'Cart' });
    expect((await app.publish(tenant, id)).flow!.publishedVersion).toBe(3);
  });

  it('refuses a broken graph with the path of each error, and what is published stays (P3)', async () => {
    await app.publish(tenant, id);
    const draft = await app.update(tenant, id, { definition: BROKEN_GRAPH });
    await expect(app.publish(tenant, id)).rejects.toMatchObject({
      kind: 'invalid_argument',
      reason: 'FLOW_GRAPH_INVALID',
      domain: 'parley.flow_catalog.v1',
      fields: [
        { field: 'nodes[1].data.text', description: expect.any(String) },
        { field: 'nodes[2].type', description: expect.any(String) },
        { field: 'edges[0].target', description: expect.any(String) },
      ],
    });
    expect(await app.get(tenant, id)).toEqual(draft);
    expect((await app.published(tenant, id)).version).toBe(1);
    expect(await numbers()).toEqual([1]);
  });

  it('refuses what the channel it is made for could not show, and takes it for any other', async () => {
    const choices = [{ id: 'a', title: 'x'.repeat(21) }];
    const nodes = [
      { id: 'start', type: 'entry' },
      { id: 'ask', type: 'ask', data: { text: 'Well?', choices } },
    ];
    const edges = [{ source: 'start', target: 'ask' }];
    const definition = JSON.stringify({ nodes, edges });
    await app.update(tenant, id, { definition, settingsChange: { channel: 'whatsapp' } });
    await expect(app.publish(tenant, id)).rejects.toMatchObject({
      reason: 'FLOW_GRAPH_INVALID',
      fields: [{ field: 'nodes[1].data.choices[0].title', description: expect.stringContaining('WhatsApp') }],
    });
    await app.update(tenant, id, { settingsChange: { channel: 'webhook' } });
    expect((await app.publish(tenant, id)).flow!.publishedVersion).toBe(1);
    expect((await app.version(tenant, id, 1)).settings).toEqual({ sessionTtlMinutes: 5, channel: 'webhook' });
  });

  it('names the first hundred of a thousand errors, however long the names in them', async () => {
    const text = '🦜'.repeat(60);
    const nodes = Array.from({ length: 1_000 }, (_, n) => ({ id: `n${n}`, type: `${text}${n}`, data: {} }));
    const edges = nodes.map((node) => ({ source: node.id, target: `${text} nowhere` }));
    await app.update(tenant, id, { definition: JSON.stringify({ nodes, edges }) });
    const error = await app.publish(tenant, id).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: 'FLOW_GRAPH_INVALID' });
    const { fields } = error as { fields: { field: string }[] };
    expect(fields).toHaveLength(100);
    expect(fields[0]).toMatchObject({ field: 'nodes[0].type' });
  });

  it('returns warnings, also when it publishes nothing new', async () => {
    const graph = JSON.parse(GRAPH) as { nodes: object[] };
    graph.nodes.push({ id: 'island', type: 'end', data: {} });
    await app.update(tenant, id, { definition: JSON.stringify(graph) });
    for (const { flow, warnings } of [await app.publish(tenant, id), await app.publish(tenant, id)]) {
      expect(flow!.publishedVersion).toBe(1);
      expect(warnings).toEqual([
        { code: 'NODE_UNREACHABLE', field: 'nodes[3]', message: expect.any(String), nodeId: 'island' },
      ]);
    }
  });

  it('accepts a flow without an entry node, which then cannot be started', async () => {
    await app.update(tenant, id, { definition: GRAPH_WITHOUT_ENTRY });
    const { flow, warnings } = await app.publish(tenant, id);
    expect(flow!.status).toBe(FlowStatus.PUBLISHED);
    expect(warnings.map(({ code }) => code)).toEqual(['NO_ENTRY_NODE']);
    expect((await app.version(tenant, id, 1)).entryNodeId).toBe('');
    await expect(app.published(tenant, id)).rejects.toMatchObject({
      kind: 'failed_precondition',
      reason: 'FLOW_HAS_NO_ENTRY_NODE',
    });
  });
});

describe('unpublishing a flow', () => {
  it('stops starts at once, keeps the version, and changes nothing when it is repeated', async () => {
    await app.publish(tenant, id);
    const flow = await app.unpublish(tenant, id);
    expect(flow).toMatchObject({ status: FlowStatus.DRAFT, publishedVersion: 0, publishedAt: undefined });
    await expect(app.published(tenant, id)).rejects.toMatchObject({
      kind: 'not_found',
      reason: 'FLOW_NOT_PUBLISHED',
    });
    expect(await app.unpublish(tenant, id)).toEqual(flow);
    expect(await app.version(tenant, id, 1)).toMatchObject({ version: 1, name: 'Cart' });
  });

  it('changes nothing of a flow that was never published', async () => {
    expect(await app.unpublish(tenant, id)).toEqual(await app.get(tenant, id));
  });

  it('is undone by publishing, under the next number', async () => {
    await app.publish(tenant, id);
    await app.unpublish(tenant, id);
    const { flow } = await app.publish(tenant, id);
    expect(flow).toMatchObject({ status: FlowStatus.PUBLISHED, publishedVersion: 2 });
    expect(await numbers()).toEqual([2, 1]);
    expect((await app.published(tenant, id)).version).toBe(2);
  });
});

describe('publishing at the same time', () => {
  it('publishes one version of one draft, whoever asks, over two replicas', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => app.publish(tenant, id, app.clients[n % 2])),
    );
    expect(answers.map(({ flow }) => flow!.publishedVersion)).toEqual(Array<number>(20).fill(1));
    expect(await numbers()).toEqual([1]);
  });

  it('gives changing drafts distinct, consecutive numbers', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        await app.update(tenant, id, { name: `Name ${n}` });
        await app.publish(tenant, id, app.clients[n % 2]);
      }),
    );
    const { versions } = await app.versions(tenant, id);
    const highest = versions.length;
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: highest }, (_, n) => highest - n),
    );
    // Next to each other there are no equals: those would have published nothing new.
    for (const [n, { name }] of versions.entries()) expect(versions[n + 1]?.name).not.toBe(name);
    expect((await app.published(tenant, id)).version).toBe(highest);
    expect((await app.get(tenant, id)).name).toBe(versions[0]!.name);
  });
});

describe('publishing an earlier version again', () => {
  const republish = (version: number) =>
    call(app.client, app.client.republishFlowVersion, { tenantId: tenant, flowId: id, version });

  it('makes it the next version, and leaves the draft as it is', async () => {
    await app.publish(tenant, id);
    await app.update(tenant, id, { name: 'Worse', definition: GRAPH_WITHOUT_ENTRY });
    await app.publish(tenant, id);
    const { flow } = await republish(1);
    expect(flow).toMatchObject({ publishedVersion: 3, name: 'Worse', draftDefinition: GRAPH_WITHOUT_ENTRY });
    const [first, third] = [await app.version(tenant, id, 1), await app.version(tenant, id, 3)];
    expect(third).toEqual({ ...first, version: 3, publishedAt: flow!.publishedAt });
    expect(await app.published(tenant, id)).toMatchObject({ version: 3, name: 'Cart' });
  });

  it('publishes nothing new where it says what is published already', async () => {
    await app.publish(tenant, id);
    expect((await republish(1)).flow).toMatchObject({ publishedVersion: 1 });
    expect(await numbers()).toEqual([1]);
  });

  it('makes an unpublished flow startable again', async () => {
    await app.publish(tenant, id);
    await app.unpublish(tenant, id);
    expect((await republish(1)).flow).toMatchObject({ status: FlowStatus.PUBLISHED, publishedVersion: 2 });
  });

  it('is refused for a version there is none of, and for an archived flow', async () => {
    await app.publish(tenant, id);
    await expect(republish(2)).rejects.toMatchObject({ reason: 'FLOW_VERSION_NOT_FOUND' });
    await app.archive(tenant, id);
    await expect(republish(1)).rejects.toMatchObject({ reason: 'FLOW_ARCHIVED' });
  });
});
