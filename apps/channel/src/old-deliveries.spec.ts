import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { deleteOld, migrate } from '@parley/postgres';
import { createTestDatabase, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { oldDeliveries } from './delivery-rows.ts';
import { migrations } from './migrations/index.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase(migrations, migrate);
});
afterAll(() => database.drop());

it('deliveries that are done are deleted with their texts at the end of their time, and none that is not done', async () => {
  await database.query(
    `INSERT INTO deliveries (tenant_id, id, effect_id, session_id, session_sequence, contact_id, channel, message,
       requested_at, status, due_at, created_at, updated_at)
     SELECT $1, gen_random_uuid(), status || ', ' || age, $1, 2, $1, 'webhook', '{}', at, status, at, at, at
     FROM unnest(ARRAY['pending', 'sent', 'delivered', 'failed']) AS status,
          unnest(ARRAY['6 days 23 hours', '7 days 1 minute']) AS age,
          LATERAL (SELECT clock_timestamp() - age::interval AS at) AS t`,
    [uuidv7()],
  );
  expect(await deleteOld(database, oldDeliveries(7), 1_000)).toBe(3);
  const left = await database.query<{ effect_id: string }>(
    'SELECT effect_id FROM deliveries ORDER BY effect_id',
  );
  expect(left.map(({ effect_id }) => effect_id)).toEqual([
    'delivered, 6 days 23 hours',
    'failed, 6 days 23 hours',
    'pending, 6 days 23 hours',
    'pending, 7 days 1 minute',
    'sent, 6 days 23 hours',
  ]);
});
