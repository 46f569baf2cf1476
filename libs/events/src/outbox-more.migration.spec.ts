import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Database, migrate } from '@parley/postgres';
import { createTestDatabase, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { CreateOutbox1763800000000 } from './outbox.migration.ts';
import { HoldMoreInOutboxRow1764300000000 } from './outbox-more.migration.ts';
import { IndexOutboxPosition1764000000000 } from './outbox-position.migration.ts';

let testDatabase: TestDatabase;
let database: Database;
const migration = new HoldMoreInOutboxRow1764300000000();
const tenantId = uuidv7();

beforeEach(async () => {
  testDatabase = await createTestDatabase(
    [CreateOutbox1763800000000, IndexOutboxPosition1764000000000],
    migrate,
  );
  database = await Database.connect({ url: testDatabase.url, name: 'events' });
});
afterEach(async () => {
  await database.close();
  await testDatabase.drop();
});

async function run(direction: 'up' | 'down'): Promise<void> {
  const runner = database.dataSource.createQueryRunner();
  await runner.startTransaction();
  await migration[direction](runner);
  await runner.commitTransaction();
  await runner.release();
}

it('takes nothing from the version before, and gives back to it every event: kept, or to be sent (P6)', async () => {
  await testDatabase.query(
    `INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claimed_until)
     VALUES ($1, gen_random_uuid(), 'spec.started', 'old', 1, now(), '{}', '-infinity')`,
    [tenantId],
  );
  await run('up');
  // As this version writes them: both claimed, one sent.
  await testDatabase.query(
    `INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, more, claim_ends_at, published_at)
     SELECT $1, gen_random_uuid(), 'spec.ended', subject, 3, now(), '{"n": 3}', jsonb_build_array(
              jsonb_build_object('id', gen_random_uuid(), 'type', 'spec.asked', 'sequence', 2, 'data', '{"n":  2.0}')),
            'infinity', published_at
     FROM (VALUES ('kept', now()), ('waiting', NULL)) AS v (subject, published_at)`,
    [tenantId],
  );
  const events = `SELECT subject, sequence, type, data::text, published_at IS NOT NULL AS sent`;
  const order = 'ORDER BY subject, sequence';
  const before = await testDatabase.query(`${events} FROM outbox_events ${order}`);
  expect(before).toEqual(
    [
      ...[true, false].flatMap((sent) => {
        const subject = sent ? 'kept' : 'waiting';
        return [
          { subject, sequence: 2, type: 'spec.asked', data: '{"n":  2.0}', sent },
          { subject, sequence: 3, type: 'spec.ended', data: '{"n": 3}', sent },
        ];
      }),
      { subject: 'old', sequence: 1, type: 'spec.started', data: '{}', sent: false },
    ].toSorted((a, b) => (a.subject < b.subject ? -1 : 1)),
  );
  await run('down');
  expect(await testDatabase.query(`${events} FROM outbox ${order}`)).toEqual(before);
  const free = 'SELECT subject FROM outbox WHERE published_at IS NULL AND claimed_until < clock_timestamp()';
  expect(await testDatabase.query(`${free} ${order}`)).toEqual(
    ['old', 'waiting', 'waiting'].map((subject) => ({ subject })),
  );
});
