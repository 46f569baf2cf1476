import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, EventProbe, type RecordedEvent } from '@parley/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { v7 as uuidv7 } from 'uuid';
import { parse } from 'yaml';
import { BROKEN_GRAPH, FlowCatalogApp } from './testing/flow-catalog-app.ts';

interface AsyncApi {
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  components: { messages: Record<string, { payload: { $ref: string } }>; schemas: Record<string, object> };
}

const document = parse(
  readFileSync(new URL('../../../docs/asyncapi.yaml', import.meta.url), 'utf8'),
) as AsyncApi;
const described = Object.keys(document.channels).filter((type) => type.startsWith('flow.'));

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addSchema({ $id: 'asyncapi', components: document.components });

let app: FlowCatalogApp;
let tenant: string;
let id: string;

beforeAll(async () => {
  app = await FlowCatalogApp.create();
  await app.addReplica();
});
beforeEach(async () => {
  tenant = uuidv7();
  ({ id } = await app.create(tenant, { name: 'Cart' }));
});
afterAll(() => app.close());

interface Row {
  type: string;
  sequence: number;
  version: number;
  name: string;
  status: string;
}

const rows = (): Promise<Row[]> =>
  app.database.query<Row & Record<string, unknown>>(
    `SELECT type, sequence, (data->>'flow_version')::int AS version, data->>'flow_name' AS name,
            data->>'status' AS status
     FROM outbox_events WHERE tenant_id = $1 AND subject = $2 ORDER BY sequence`,
    [tenant, id],
  );

const published = (sequence: number, version: number, name = 'Cart'): Row => ({
  type: 'flow.published',
  sequence,
  version,
  name,
  status: 'published',
});
const unpublished = (sequence: number, version: number, status = 'draft', name = 'Cart'): Row => ({
  type: 'flow.unpublished',
  sequence,
  version,
  name,
  status,
});

describe('the events of a flow', () => {
  it('are one for each change of what starts, numbered from 1 (P6)', async () => {
    await app.publish(tenant, id);
    await app.update(tenant, id, { name: 'Renamed' });
    await app.publish(tenant, id);
    await app.update(tenant, id, { name: 'Draft' });
    await app.unpublish(tenant, id);
    await app.publish(tenant, id);
    await app.archive(tenant, id);
    expect(await rows()).toEqual([
      published(1, 1),
      published(2, 2, 'Renamed'),
      unpublished(3, 2, 'draft', 'Renamed'),
      published(4, 3, 'Draft'),
      unpublished(5, 3, 'archived', 'Draft'),
    ]);
  });

  it('are none for what changes nothing of what starts', async () => {
    await app.unpublish(tenant, id);
    await app.update(tenant, id, { name: 'Renamed' });
    expect(await rows()).toEqual([]);
    await app.publish(tenant, id);
    await app.publish(tenant, id);
    await app.unpublish(tenant, id);
    await app.unpublish(tenant, id);
    await app.archive(tenant, id);
    await app.archive(tenant, id);
    expect(await rows()).toEqual([published(1, 1, 'Renamed'), unpublished(2, 1, 'draft', 'Renamed')]);
  });

  it('are none for what is refused (P3, P6)', async () => {
    await app.update(tenant, id, { definition: BROKEN_GRAPH });
    await expect(app.publish(tenant, id)).rejects.toMatchObject({ reason: 'FLOW_GRAPH_INVALID' });
    await app.archive(tenant, id);
    await expect(app.publish(tenant, id)).rejects.toMatchObject({ reason: 'FLOW_ARCHIVED' });
    await expect(app.unpublish(tenant, id)).rejects.toMatchObject({ reason: 'FLOW_ARCHIVED' });
    await expect(app.publish(uuidv7(), id)).rejects.toMatchObject({ reason: 'FLOW_NOT_FOUND' });
    expect(await rows()).toEqual([]);
  });

  it('have no gaps and no doubles when many publish and unpublish at once, over two replicas (P6)', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        await app.update(tenant, id, { name: `Name ${n}` });
        await app.publish(tenant, id, app.clients[n % 2]);
        if (n % 3 === 0) await app.unpublish(tenant, id);
      }),
    );
    const all = await rows();
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, index) => index + 1));
    const versions = all.filter(({ type }) => type === 'flow.published').map(({ version }) => version);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
    const probe = await EventProbe.open('PARLEY_FLOW', tenant);
    await eventually(() => expect(probe.of(id)).toHaveLength(all.length));
    expect(probe.of(id).map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence));
    const times = probe.of(id).map(({ time }) => time);
    expect(times).toEqual(times.toSorted());
    await probe.close();
  });
});

describe('docs/asyncapi.yaml', () => {
  let events: RecordedEvent[];

  beforeEach(async () => {
    const probe = await EventProbe.open('PARLEY_FLOW', tenant);
    await app.publish(tenant, id);
    await app.unpublish(tenant, id);
    await app.publish(tenant, id);
    await app.archive(tenant, id);
    await probe.waitFor('flow.unpublished', 2);
    await probe.close();
    ({ events } = probe);
  });

  it('describes every event of flows there is, and no other', () => {
    expect(new Set(events.map((event) => event.type))).toEqual(new Set(described));
  });

  it.each(described)('describes %s as it is published', (type) => {
    const { address, messages } = document.channels[type]!;
    expect(address).toBe(type);
    const [message] = Object.keys(messages);
    const validate = ajv.getSchema(`asyncapi${document.components.messages[message!]!.payload.$ref}`)!;
    const [event, second] = events.filter((one) => one.type === type);
    for (const one of [event, second]) {
      void validate(one);
      expect(validate.errors).toBeNull();
    }
    // The description is tight: it refuses what is not there and what should be.
    expect(validate({ ...event, unknown: 1 })).toBe(false);
    expect(validate({ ...event, source: '/parley/session' })).toBe(false);
    expect(validate({ ...event, data: { ...event!.data, definition: '{}' } })).toBe(false);
    expect(validate({ ...event, data: { ...event!.data, status: 'else' } })).toBe(false);
    expect(validate({ ...event, sequence: 0 })).toBe(false);
  });
});
