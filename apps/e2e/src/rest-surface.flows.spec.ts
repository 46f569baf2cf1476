import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from './cluster.ts';
import { DocumentedGateway } from './rest-surface.document.ts';
import { expectStatus, fieldsOf, ok, pages, TIME, type View } from './rest-surface.steps.ts';

let cluster: Cluster;
let gateway: DocumentedGateway;

beforeAll(async () => {
  cluster = await Cluster.start();
  gateway = new DocumentedGateway(cluster);
});
afterAll(() => cluster.stop());

describe('flows', () => {
  const graph = {
    nodes: [
      { id: 'start', type: 'entry', data: {}, position: { x: 1.5, y: -2 } },
      { id: 'bye', type: 'end', data: {} },
    ],
    edges: [{ source: 'start', target: 'bye' }],
    viewport: { zoom: 1 },
  };
  const create = (body: object): Promise<View> => expectStatus(201, gateway.post('/flows', body));

  it('are created as drafts, read as they were written, and changed field by field', async () => {
    const flow = await create({ name: 'Menu', definition: graph });
    expect(flow).toMatchObject({
      name: 'Menu',
      status: 'draft',
      settings: { session_ttl_minutes: 30, channel: null },
      published_version: null,
      published_at: null,
    });
    expect(flow['definition']).toEqual(graph);
    expect(await ok(gateway.get(`/flows/${flow.id}`))).toEqual(flow);
    const renamed = await ok(gateway.request('PATCH', `/flows/${flow.id}`, { name: 'Menu 2' }));
    expect(renamed).toEqual({ ...flow, name: 'Menu 2', updated_at: expect.stringMatching(TIME) });
    const settings = { session_ttl_minutes: 1_440 };
    expect(await ok(gateway.request('PATCH', `/flows/${flow.id}`, { settings }))).toMatchObject({
      name: 'Menu 2',
      settings,
    });
    expect(
      await ok(gateway.request('PATCH', `/flows/${flow.id}`, { settings: { channel: 'whatsapp' } })),
    ).toMatchObject({ settings: { session_ttl_minutes: 1_440, channel: 'whatsapp' } });
    expect((await create({ name: 'Empty' }))['definition']).toEqual({ nodes: [], edges: [] });
  });

  it.each([
    [{}, ['name']],
    [{ name: '' }, ['name']],
    [{ name: 'x'.repeat(256) }, ['name']],
    [{ name: 'x', definition: [] }, ['definition']],
    [{ name: 'x', settings: { session_ttl_minutes: 0 } }, ['settings.session_ttl_minutes']],
    [{ name: 'x', settings: { session_ttl_minutes: 1_441 } }, ['settings.session_ttl_minutes']],
    [{ name: 'x', settings: { channel: 'sms' } }, ['settings.channel']],
    [{ name: 'x', settings: 30 }, ['settings']],
    [{ name: 'a\0' }, ['name']],
  ])('%j is refused, naming %j', async (body, fields) => {
    expect(await fieldsOf(gateway.post('/flows', body))).toEqual(fields);
  });

  it('are published as versions 1, 2, …, each as it was, with what is worth saying', async () => {
    const { id } = await create({ name: 'One', definition: graph });
    const publish = () => ok(gateway.post(`/flows/${id}/publish`));
    expect(await publish()).toMatchObject({ status: 'published', published_version: 1, warnings: [] });
    // Nothing has changed, so there is nothing to publish.
    expect(await publish()).toMatchObject({ published_version: 1 });
    const definition = { nodes: graph.nodes, edges: [] };
    await ok(gateway.request('PATCH', `/flows/${id}`, { name: 'Two', definition }));
    const second = await publish();
    expect(second['published_version']).toBe(2);
    const warnings = second['warnings'] as { code: string; field: string; node_id: string }[];
    expect(warnings.map(({ code, field }) => [code, field])).toEqual(
      expect.arrayContaining([['NODE_UNREACHABLE', 'nodes[1]']]),
    );

    const versions = await ok<{ data: View[] }>(gateway.get(`/flows/${id}/versions`));
    expect(versions.data.map(({ version }) => version)).toEqual([2, 1]);
    const first = await ok(gateway.get(`/flows/${id}/versions/1`));
    expect(first).toMatchObject({
      flow_id: id,
      version: 1,
      name: 'One',
      entry_node_id: 'start',
      definition: graph,
    });
    expect(await expectStatus(404, gateway.get(`/flows/${id}/versions/3`))).toEqual({
      error: 'Flow version not found',
    });
    expect((await gateway.get(`/flows/${id}/versions/x`)).status).toBe(404);
  });

  it('with errors are not published: 422 names their places; validate says the same without writing', async () => {
    const definition = {
      nodes: [graph.nodes[0], { id: 'hi', type: 'send_message', data: {} }, { id: 'hi', type: 'dance' }],
      edges: [{ source: 'start', target: 'nowhere' }],
    };
    const { id } = await create({ name: 'Broken', definition });
    const places = await fieldsOf(gateway.post(`/flows/${id}/publish`));
    expect(places).toEqual(expect.arrayContaining(['nodes[2].id', 'nodes[2].type', 'edges[0].target']));
    expect(places.some((place) => place.startsWith('nodes[1].data'))).toBe(true);
    const found = await ok<{ errors: { field: string }[] }>(gateway.post('/flows/validate', { definition }));
    expect([...new Set(found.errors.map(({ field }) => field))].sort()).toEqual(places.sort());
    expect(await ok(gateway.post('/flows/validate', { definition: graph }))).toEqual({
      errors: [],
      warnings: [],
    });
    expect(await ok(gateway.get(`/flows/${id}`))).toMatchObject({ status: 'draft', published_version: null });
  });

  it('are unpublished and archived; archived ones take no change and are listed only when asked for', async () => {
    const id = await cluster.createFlow();
    expect(await ok(gateway.post(`/flows/${id}/unpublish`))).toMatchObject({
      status: 'draft',
      published_at: null,
    });
    expect(await ok(gateway.post(`/flows/${id}/archive`))).toMatchObject({ status: 'archived' });
    expect(await ok(gateway.post(`/flows/${id}/archive`))).toMatchObject({ status: 'archived' });
    for (const verb of ['publish', 'unpublish']) {
      expect(await expectStatus(409, gateway.post(`/flows/${id}/${verb}`))).toEqual({
        error: 'Flow is archived',
      });
    }
    expect((await gateway.request('PATCH', `/flows/${id}`, { name: 'x' })).status).toBe(409);

    const ids = async (query: string) =>
      (await pages(gateway, `/flows?limit=3${query}`)).flat().map((flow) => flow.id);
    const draft = await cluster.createFlow({ publish: false });
    const published = await cluster.createFlow();
    const [all, drafts, live, archived] = [
      await ids(''),
      await ids('&status=draft'),
      await ids('&status=published'),
      await ids('&status=archived'),
    ];
    expect(all.slice(0, 2)).toEqual([published, draft]);
    expect(all).not.toContain(id);
    expect(archived).toContain(id);
    expect(drafts).toContain(draft);
    expect(drafts).not.toContain(published);
    expect(live).toContain(published);
    expect([...drafts, ...live].sort()).toEqual([...all].sort());
  });
});
