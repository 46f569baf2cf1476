import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Database, migrate } from '@parley/postgres';
import { Logger } from '@parley/service';
import { createTestDatabase, eventually, rowsReadBy, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import type { EventStream } from './event-stream.ts';
import { outboxMigrations } from './outbox-migrations.ts';
import { Outbox } from './outbox.ts';
import { OutboxRelay } from './outbox-relay.ts';

const WAITING = 5_000;
let sent = 0;
const stream = {
  connected: true,
  onConnected: () => undefined,
  publish: () => Promise.resolve((sent += 1)),
} as unknown as EventStream;

let testDatabase: TestDatabase;
let database: Database;
let relay: OutboxRelay;
let outbox: Outbox;

beforeEach(async () => {
  testDatabase = await createTestDatabase(outboxMigrations, migrate);
  sent = 0;
  // What Postgres knows of the table is from a time when nothing waited, as on most days.
  await add(2_000, 'now()', '-infinity');
  await testDatabase.query('VACUUM ANALYZE outbox');
  database = await Database.connect({ url: testDatabase.url, name: 'events', poolSize: 1 });
  relay = new OutboxRelay({ database, stream, retentionDays: 3, logger: new Logger('events', 'fatal') });
  outbox = new Outbox(database, relay);
});
afterEach(async () => {
  await relay.stop();
  await database.close();
  await testDatabase.drop();
});

/** Rows of as many subjects. */
async function add(count: number, publishedAt: string | null, claimEndsAt: string): Promise<void> {
  await testDatabase.query(
    `INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, published_at, claim_ends_at)
     SELECT $1, gen_random_uuid(), 'backlog.happened', gen_random_uuid(), 1, now(), '{}', $2::timestamptz, $3
     FROM generate_series(1, $4::int)`,
    [uuidv7(), publishedAt, claimEndsAt, count],
  );
}

/** What a change of a hundred things may read: a few rows for each, not all that wait. */
const FEW = 1_000;

it('tells of a change behind thousands of events that wait, without reading those', async () => {
  await add(WAITING, null, 'infinity');
  const change = {
    statement: 'SELECT gen_random_uuid() AS id FROM generate_series(1, 100)',
    parameters: [],
    of: { tenantId: `'${uuidv7()}'::uuid`, subject: 'id::text', time: 'clock_timestamp()' },
    event: { type: `'backlog.happened'`, sequence: '2', data: `'{}'` },
  };
  expect(await rowsReadBy(database, 'outbox', () => outbox.change(change))).toBeLessThan(FEW);
});

it('tells of entities behind thousands of events that wait, without reading those', async () => {
  await add(WAITING, null, 'infinity');
  const told = Array.from({ length: 100 }, () => ({
    ...{ id: uuidv7(), tenantId: uuidv7(), type: 'backlog.happened', subject: uuidv7(), sequence: 2 },
    ...{ time: new Date(), data: '{}' },
  }));
  const tell = (): Promise<void> => outbox.transaction((_tx, publish) => publish(told));
  expect(await rowsReadBy(database, 'outbox', tell)).toBeLessThan(FEW);
});

it('sends thousands of events that waited, reading each a few times', async () => {
  await add(WAITING, null, '-infinity');
  const rows = await rowsReadBy(database, 'outbox', async () => {
    relay.start();
    await eventually(() => expect(sent).toBe(WAITING));
    await relay.stop();
  });
  // Found, locked, claimed and marked; and each poll passes those that are on their way.
  expect(rows).toBeLessThan(15 * WAITING);
  const [left] = await testDatabase.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM outbox WHERE published_at IS NULL',
  );
  expect(left).toEqual({ count: 0 });
});
