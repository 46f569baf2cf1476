import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Logger } from '@parley/service';
import { createTestDatabase, eventually, type TestDatabase } from '@parley/testing';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { deleteOld, purgeLoop } from './purge.ts';

const OLD = {
  table: 'notes',
  key: ['tenant', 'id'],
  condition: `at < (SELECT clock_timestamp() - interval '1 day')`,
};

let target: TestDatabase;
let database: Database;

beforeAll(async () => {
  target = await createTestDatabase([], migrate);
  await target.query('CREATE TABLE notes (tenant int, id int, at timestamptz, PRIMARY KEY (tenant, id))');
  database = await Database.connect({ url: target.url, name: 'spec' });
});
beforeEach(async () => {
  // Old ones are 1 to 2,500; the same ids of another tenant are young.
  await target.query(`TRUNCATE notes; INSERT INTO notes
    SELECT tenant, id, clock_timestamp() - CASE tenant WHEN 1 THEN interval '25 hours' ELSE interval '23 hours' END
    FROM generate_series(1, 2) AS tenant, generate_series(1, 2500) AS id`);
});
afterAll(async () => {
  await database.close();
  await target.drop();
});

const left = async () => {
  const rows = await target.query<{ tenant: number; count: number }>(
    'SELECT tenant, count(*)::int AS count FROM notes GROUP BY tenant ORDER BY tenant',
  );
  return rows.map(({ tenant, count }) => [tenant, count]);
};

it('deletes so many rows at the end of their time, and no other', async () => {
  expect(await deleteOld(database, OLD, 10)).toBe(10);
  expect(await left()).toEqual([
    [1, 2_490],
    [2, 2_500],
  ]);
  expect(await deleteOld(database, OLD, 5_000)).toBe(2_490);
  expect(await deleteOld(database, OLD, 5_000)).toBe(0);
  expect(await left()).toEqual([[2, 2_500]]);
});

it('passes over what another has in hand', async () => {
  await database.transaction(async (tx) => {
    await tx.query('SELECT FROM notes WHERE tenant = 1 AND id <= 2000 FOR UPDATE');
    expect(await deleteOld(database, OLD, 5_000)).toBe(500);
  });
});

it('goes on until all are gone, batch after batch', async () => {
  const loop = purgeLoop({ name: 'spec', database, rows: [OLD], logger: new Logger('spec', 'silent') });
  loop.start();
  await eventually(async () => expect(await left()).toEqual([[2, 2_500]]));
  await loop.stop();
});
