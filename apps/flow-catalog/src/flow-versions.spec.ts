import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { BROKEN_GRAPH, FlowCatalogApp, GRAPH, GRAPH_WITHOUT_ENTRY } from './testing/flow-catalog-app.ts';

/** The graph with another greeting, which does not say the contact's name. */
const CURT_GRAPH = GRAPH.replace('Hello {{contact.name}}', 'Hello');

let app: FlowCatalogApp;
let tenant: string;
let id: string;

beforeAll(async () => {
  app = await FlowCatalogApp.create();
  await app.addReplica();
});
beforeEach(async () => {
  tenant = uuidv7();
  ({ id } = await app.create(tenant, { name: 'Good', settings: { sessionTtlMinutes: 5, channel: '' } }));
  await app.publish(tenant, id);
});
afterAll(() => app.close());

/** The second version, published and at fault. */
async function publishBad(): Promise<void> {
  await app.update(tenant, id, {
    name: 'Bad',
    definition: CURT_GRAPH,
    settingsChange: { sessionTtlMinutes: 9 },
  });
  await app.publish(tenant, id);
}

const numbers = async () => (await app.versions(tenant, id)).versions.map(({ version }) => version);

const events = () =>
  app.database.query(
    `SELECT type, sequence, (data->>'flow_version')::int AS version, data->>'flow_name' AS name
     FROM outbox_events WHERE tenant_id = $1 AND subject = $2 ORDER BY sequence`,
    [tenant, id],
  );

describe('publishing a version again', () => {
  it('is told as any publishing is, and is what starts (P6)', async () => {
    await publishBad();
    await app.republish(tenant, id, 1);
    expect(await app.published(tenant, id)).toMatchObject({ version: 3, name: 'Good' });
    expect(await events()).toEqual([
      { type: 'flow.published', sequence: 1, version: 1, name: 'Good' },
      { type: 'flow.published', sequence: 2, version: 2, name: 'Bad' },
      { type: 'flow.published', sequence: 3, version: 3, name: 'Good' },
    ]);
  });

  it('leaves a draft alone that could not be published itself', async () => {
    await publishBad();
    const draft = await app.update(tenant, id, { name: 'Half done', definition: BROKEN_GRAPH });
    const flow = await app.republish(tenant, id, 1);
    expect(flow).toMatchObject({
      name: 'Half done',
      draftDefinition: BROKEN_GRAPH,
      settings: draft.settings!,
      publishedVersion: 3,
    });
  });

  it('makes one version, however often it is asked at once, over two replicas', async () => {
    await publishBad();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => app.republish(tenant, id, 1, app.clients[n % 2])),
    );
    expect(answers.map(({ publishedVersion }) => publishedVersion)).toEqual(Array<number>(20).fill(3));
    expect(await numbers()).toEqual([3, 2, 1]);
    expect(await events()).toHaveLength(3);
  });

  it('is refused for what is not there, and writes nothing (P3, P8)', async () => {
    await expect(app.republish(tenant, id, 0)).rejects.toMatchObject({ fields: [{ field: 'version' }] });
    await expect(app.republish(uuidv7(), id, 1)).rejects.toMatchObject({ reason: 'FLOW_NOT_FOUND' });
    await expect(app.republish(tenant, uuidv7(), 1)).rejects.toMatchObject({ reason: 'FLOW_NOT_FOUND' });
    expect(await numbers()).toEqual([1]);
    expect(await events()).toHaveLength(1);
  });
});

describe('comparing versions', () => {
  it('tells what changed between two versions, and what publishing the draft would change', async () => {
    await publishBad();
    expect(await app.compare(tenant, id, 1, 2)).toEqual([
      { subject: 'name', id: '', change: 'changed', before: '"Good"', after: '"Bad"' },
      expect.objectContaining({ subject: 'settings', after: '{"session_ttl_minutes":9,"channel":null}' }),
      expect.objectContaining({ subject: 'node', id: 'hello', change: 'changed' }),
    ]);
    expect(await app.compare(tenant, id, 2)).toEqual([]);
    await app.update(tenant, id, { definition: GRAPH_WITHOUT_ENTRY });
    expect((await app.compare(tenant, id, 2)).map(({ id: of, change }) => [of, change])).toEqual([
      ['start', 'removed'],
      ['hello', 'removed'],
      ['bye', 'removed'],
      ['start.default -> hello', 'removed'],
      ['hello.default -> bye', 'removed'],
    ]);
    const back = await app.compare(tenant, id, 0, 2);
    expect(new Set(back.map(({ change }) => change))).toEqual(new Set(['added']));
  });

  it('finds none in what a version published again says', async () => {
    await publishBad();
    await app.republish(tenant, id, 1);
    expect(await app.compare(tenant, id, 1, 3)).toEqual([]);
  });

  it('is refused for what is not there (P8)', async () => {
    await expect(app.compare(tenant, id, 1, 2)).rejects.toMatchObject({ reason: 'FLOW_VERSION_NOT_FOUND' });
    await expect(app.compare(uuidv7(), id, 1)).rejects.toMatchObject({ reason: 'FLOW_NOT_FOUND' });
    await expect(app.compare(tenant, id, -1)).rejects.toMatchObject({ fields: [{ field: 'from_version' }] });
  });
});

describe('whether the published version reads its contact', () => {
  it('is told of each version by itself', async () => {
    expect((await app.published(tenant, id)).readsContact).toBe(true);
    await publishBad();
    expect((await app.published(tenant, id)).readsContact).toBe(false);
    await app.republish(tenant, id, 1);
    expect((await app.published(tenant, id)).readsContact).toBe(true);
  });

  it('is taken for granted of a version stored without it', async () => {
    await app.database.query(
      `INSERT INTO flow_versions (tenant_id, flow_id, version, name, definition, session_ttl_minutes, entry_node_id)
       VALUES ($1, $2, 2, 'Old', $3, 30, 'start')`,
      [tenant, id, CURT_GRAPH],
    );
    await app.database.query(
      'UPDATE flows SET latest_version = 2, published_version = 2 WHERE tenant_id = $1 AND id = $2',
      [tenant, id],
    );
    expect(await app.published(tenant, id)).toMatchObject({ version: 2, readsContact: true });
  });
});
