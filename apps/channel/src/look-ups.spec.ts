import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Outbox, type OutboxRelay } from '@parley/events';
import { Database, migrate } from '@parley/postgres';
import { createTestDatabase, rowsReadBy, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { deliveryLag } from './delivery-metrics.ts';
import { leaseDue, markDelivered, markSent, type LeasedDelivery } from './delivery-rows.ts';
import { DeliveryService } from './delivery.service.ts';
import { migrations } from './migrations/index.ts';
import { noteDelivered, noteSent } from './whatsapp/delivery-status.ts';

const PENDING = 5_000;
const tenantId = uuidv7();
let testDatabase: TestDatabase;
let database: Database;
let outbox: Outbox;

beforeEach(async () => {
  testDatabase = await createTestDatabase(migrations, migrate);
  // What Postgres knows of the table is from a quiet hour: many messages are delivered, none is pending.
  await add(2_000, 'now()');
  await testDatabase.query(`UPDATE deliveries SET status = 'delivered'`);
  await testDatabase.query('VACUUM ANALYZE deliveries');
  database = await Database.connect({ url: testDatabase.url, name: 'channel', poolSize: 1 });
  const relay = { accepts: () => false, publishSoon: () => undefined } as unknown as OutboxRelay;
  outbox = new Outbox(database, relay);
});
afterEach(async () => {
  await database.close();
  await testDatabase.drop();
});

/** Pending messages of one tenant, each of another session. */
async function add(count: number, dueAt: string): Promise<void> {
  await testDatabase.query(
    `INSERT INTO deliveries (tenant_id, id, effect_id, session_id, session_sequence, contact_id, channel, message, requested_at,
       status, due_at, created_at, updated_at)
     SELECT $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 2, gen_random_uuid(), 'webhook', '{}', now(),
            'pending', ${dueAt}, now(), now() FROM generate_series(1, $2::int)`,
    [tenantId, count],
  );
}

const rowsOf = (work: () => Promise<unknown>): Promise<number> => rowsReadBy(database, 'deliveries', work);

it('takes what is due of thousands, without reading the rest', async () => {
  await add(PENDING, 'now()');
  expect(
    await rowsOf(async () => expect(await leaseDue(database, 20, 16, new Map())).toHaveLength(16)),
  ).toBeLessThan(200);
  const lag = deliveryLag(database, 1);
  expect(await rowsOf(async () => expect(await lag.read()).toBeGreaterThan(0))).toBeLessThan(100);
});

it('settles one among thousands that are pending, without reading those', async () => {
  await add(PENDING, `now() + interval '1 hour'`);
  const leased = { tenantId, id: uuidv7(), lease: uuidv7() } as LeasedDelivery;
  const message = { tenantId, providerMessageId: 'wamid.1', attempt: { id: uuidv7(), told: 0, attempt: 1 } };
  const settling = async (): Promise<void> => {
    await markDelivered(outbox, leased);
    await markSent(database, leased, 'wamid.1');
    await noteSent(database, message);
    await noteDelivered(outbox, { ...message, attempt: undefined });
  };
  expect(await rowsOf(settling)).toBeLessThan(100);
});

it('lists the few that failed, and a late page, without reading the rest', async () => {
  await add(PENDING, 'now()');
  const service = new DeliveryService(database);
  const request = { tenantId, channel: undefined, pageSize: 20, pageToken: '' };
  const listFailed = (): Promise<unknown> => service.list({ ...request, status: 'failed' });
  expect(await rowsOf(listFailed)).toBeLessThan(100);
  const { next } = await service.list({ ...request, status: undefined, pageSize: 1_000 });
  const listNext = (): Promise<unknown> => service.list({ ...request, status: undefined, pageToken: next });
  expect(await rowsOf(listNext)).toBeLessThan(100);
});
