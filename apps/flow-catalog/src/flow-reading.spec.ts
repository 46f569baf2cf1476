import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FlowStatus, type PublishedFlowOutcome } from '@parley/contracts/flow-catalog';
import { fromRpcStatus } from '@parley/grpc';
import { v7 as uuidv7 } from 'uuid';
import { FlowCatalogApp, GRAPH, GRAPH_WITHOUT_ENTRY } from './testing/flow-catalog-app.ts';

/** As large as it may be. */
const LARGEST = `{"a":"${'x'.repeat(1024 * 1024 - 8)}"}`;

let app: FlowCatalogApp;
let tenant: string;

beforeAll(async () => {
  app = await FlowCatalogApp.create();
});
beforeEach(() => {
  tenant = uuidv7();
});
afterAll(() => app.close());

async function pagesOf<Item>(
  read: (pageToken: string) => Promise<{ items: Item[]; nextPageToken: string }>,
): Promise<Item[][]> {
  const pages: Item[][] = [];
  let pageToken = '';
  do {
    const { items, nextPageToken } = await read(pageToken);
    pages.push(items);
    pageToken = nextPageToken;
  } while (pageToken !== '');
  return pages;
}

describe('listing flows', () => {
  const namesOf = async (status?: FlowStatus) =>
    (await app.list(tenant, status === undefined ? {} : { status })).flows.map(({ name }) => name);

  it('gives those with a status, newest first; without one all but archived ones', async () => {
    for (const name of ['draft', 'published', 'unpublished', 'archived', 'newer draft']) {
      const { id } = await app.create(tenant, { name });
      if (name === 'published' || name === 'unpublished') await app.publish(tenant, id);
      if (name === 'unpublished') await app.unpublish(tenant, id);
      if (name === 'archived') await app.archive(tenant, id);
    }
    expect(await namesOf()).toEqual(['newer draft', 'unpublished', 'published', 'draft']);
    expect(await namesOf(FlowStatus.DRAFT)).toEqual(['newer draft', 'unpublished', 'draft']);
    expect(await namesOf(FlowStatus.PUBLISHED)).toEqual(['published']);
    expect(await namesOf(FlowStatus.ARCHIVED)).toEqual(['archived']);
  });

  it.each([1, 2, 3, 5, 6])('gives pages of %i that hold every flow once', async (pageSize) => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push((await app.create(tenant)).id);
    const pages: string[][] = [];
    let pageToken = '';
    do {
      const page = await app.list(tenant, { pageSize, pageToken });
      pages.push(page.flows.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(pages.flat()).toEqual(ids.toReversed());
    expect(pages).toHaveLength(Math.ceil(5 / pageSize));
  });

  it('gives 50 flows unless told, 100 at most', async () => {
    await app.database.query(
      `INSERT INTO flows (tenant_id, id, name, trigger_type, status, draft_definition, session_ttl_minutes)
       SELECT $1, uuidv7(), 'Cart', 'api', 'draft', '{}', 30 FROM generate_series(1, 101)`,
      [tenant],
    );
    const first = await app.list(tenant);
    expect(first.flows).toHaveLength(50);
    expect((await app.list(tenant, { pageSize: 100 })).flows).toHaveLength(100);
  });

  it('ends a page at 3.5 MiB of graphs; the pages hold every flow once all the same', async () => {
    const ids: string[] = [];
    for (const definition of [...Array<string>(5).fill(LARGEST), GRAPH, LARGEST, GRAPH]) {
      ids.push((await app.create(tenant, { definition })).id);
    }
    const pages = await pagesOf(async (pageToken) => {
      const { flows, nextPageToken } = await app.list(tenant, { pageSize: 100, pageToken });
      return { items: flows, nextPageToken };
    });
    expect(pages.flat().map(({ id }) => id)).toEqual(ids.toReversed());
    expect(pages.map((page) => page.length)).toEqual([5, 3]);
    expect(pages.flat().filter(({ draftDefinition }) => draftDefinition === LARGEST)).toHaveLength(6);
  });
});

describe('listing versions', () => {
  it('gives pages that hold every version once, newest first, past 9', async () => {
    const { id } = await app.create(tenant);
    for (let n = 1; n <= 12; n++) {
      await app.update(tenant, id, { name: `Name ${n}` });
      await app.publish(tenant, id);
    }
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await app.versions(tenant, id, { pageSize: 5, pageToken });
      seen.push(...page.versions.map(({ version, name }) => `${version} ${name}`));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(Array.from({ length: 12 }, (_, n) => `${12 - n} Name ${12 - n}`));
  });

  it('ends a page at 3.5 MiB of graphs; the pages hold every version once all the same', async () => {
    const { id } = await app.create(tenant);
    await app.database.query(
      `INSERT INTO flow_versions
         (tenant_id, flow_id, version, name, definition, session_ttl_minutes, entry_node_id)
       SELECT $1, $2, n, 'Large', $3, 30, '' FROM generate_series(1, 9) n`,
      [tenant, id, LARGEST],
    );
    const pages = await pagesOf(async (pageToken) => {
      const { versions, nextPageToken } = await app.versions(tenant, id, { pageSize: 100, pageToken });
      return { items: versions.map(({ version }) => version), nextPageToken };
    });
    expect(pages).toEqual([
      [9, 8, 7],
      [6, 5, 4],
      [3, 2, 1],
    ]);
  });

  it('gives nothing for a flow that was never published', async () => {
    const { id } = await app.create(tenant);
    expect(await app.versions(tenant, id)).toEqual({ versions: [], nextPageToken: '' });
  });

  it('answers a version that is not there with FLOW_VERSION_NOT_FOUND', async () => {
    const { id } = await app.create(tenant);
    await app.publish(tenant, id);
    for (const [flowId, version] of [
      [id, 2],
      [id, 2_147_483_647],
      [uuidv7(), 1],
    ] as const) {
      await expect(app.version(tenant, flowId, version)).rejects.toMatchObject({
        kind: 'not_found',
        reason: 'FLOW_VERSION_NOT_FOUND',
      });
    }
  });
});

describe('the published flows of a batch', () => {
  const told = ({ outcome }: PublishedFlowOutcome) =>
    outcome?.$case === 'flow' ? outcome.value : fromRpcStatus(outcome!.value).reason;

  it('come in order, each with its own outcome, whatever tenant they are of (P8)', async () => {
    const other = uuidv7();
    const flow = async (owner: string, definition?: string) =>
      (await app.create(owner, definition ? { definition } : {})).id;
    const good = await flow(tenant);
    const theirs = await flow(other);
    const empty = await flow(tenant, GRAPH_WITHOUT_ENTRY);
    const draft = await flow(tenant);
    const withdrawn = await flow(tenant);
    const archived = await flow(tenant);
    for (const id of [good, empty, withdrawn, archived]) await app.publish(tenant, id);
    await app.publish(other, theirs);
    await app.unpublish(tenant, withdrawn);
    await app.archive(tenant, archived);

    const outcomes = await app.publishedAll(
      [
        [tenant, good],
        [tenant, draft],
        [tenant, 'nonsense'],
        [other, theirs],
        [other, good],
        [tenant, empty],
        [tenant, withdrawn],
        [tenant, archived],
        [tenant, uuidv7()],
        [tenant.toUpperCase(), good.toUpperCase()],
      ].map(([tenantId, flowId]) => ({ tenantId: tenantId!, flowId: flowId! })),
    );
    expect(outcomes.map(told)).toEqual([
      { tenantId: tenant, flowId: good, version: 1, name: 'Abandoned cart', readsContact: true },
      'FLOW_NOT_PUBLISHED',
      'INVALID_FIELD',
      { tenantId: other, flowId: theirs, version: 1, name: 'Abandoned cart', readsContact: true },
      'FLOW_NOT_PUBLISHED',
      'FLOW_HAS_NO_ENTRY_NODE',
      'FLOW_NOT_PUBLISHED',
      'FLOW_NOT_PUBLISHED',
      'FLOW_NOT_PUBLISHED',
      { tenantId: tenant, flowId: good, version: 1, name: 'Abandoned cart', readsContact: true },
    ]);
    const invalid = outcomes[2]!.outcome!;
    if (invalid.$case !== 'error') throw new Error('accepted');
    expect(fromRpcStatus(invalid.value)).toMatchObject({
      domain: 'parley.flow_catalog.v1',
      fields: [{ field: 'flow_id' }],
    });
  });

  it('are 1 to 1000', async () => {
    const refused = { reason: 'INVALID_FIELD', fields: [{ field: 'requests' }] };
    const items = (count: number) =>
      Array.from({ length: count }, () => ({ tenantId: tenant, flowId: uuidv7() }));
    await expect(app.publishedAll([])).rejects.toMatchObject(refused);
    await expect(app.publishedAll(items(1_001))).rejects.toMatchObject(refused);
    expect((await app.publishedAll(items(1_000))).map(told)).toEqual(
      Array<string>(1_000).fill('FLOW_NOT_PUBLISHED'),
    );
  });
});
