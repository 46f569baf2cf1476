import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { deleteOld, migrate } from '@parley/postgres';
import { createTestDatabase, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { migrations } from './migrations/index.ts';
import { OLD_REPLIES } from './session-replies.ts';
import { OLD_START_REQUESTS } from './start-requests.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase(migrations, migrate);
});
afterEach(() => database.drop());

it.each([
  ['request ids (P9)', OLD_START_REQUESTS, 'request_id', `fingerprint, result`, `'\\x00', 'started'`],
  ['message ids', OLD_REPLIES[0]!, 'message_id', 'contact_id, result', `$1, 'accepted'`],
  ['those of the version before', OLD_REPLIES[1]!, 'message_id', 'result', `'accepted'`],
])('%s are remembered for a day, and then deleted', async (_, old, id, columns, values) => {
  await database.query(
    `INSERT INTO ${old.table} (tenant_id, ${id}, session_id, created_at, ${columns})
     SELECT $1, age, $1, clock_timestamp() - age::interval, ${values}
     FROM unnest(ARRAY['23 hours 59 minutes', '24 hours 1 minute', '30 days']) AS age`,
    [uuidv7()],
  );
  expect(await deleteOld(database, old, 1_000)).toBe(2);
  expect(await database.query(`SELECT ${id} AS id FROM ${old.table}`)).toEqual([
    { id: '23 hours 59 minutes' },
  ]);
});
