import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Database, migrate } from '@parley/postgres';
import { createTestDatabase, eventually, type TestDatabase } from '@parley/testing';
import { outboxMigrations } from './outbox-migrations.ts';
import { purgeOutbox } from './outbox-purge.ts';

let testDatabase: TestDatabase;
let database: Database;

beforeEach(async () => {
  testDatabase = await createTestDatabase(outboxMigrations, migrate);
  database = await Database.connect({ url: testDatabase.url, name: 'events' });
});
afterEach(async () => {
  await database.close();
  await testDatabase.drop();
});

/** Rows written and sent so many days ago; sentDaysAgo null: not sent yet. */
async function add(count: number, daysAgo: number, sentDaysAgo: number | null = daysAgo): Promise<void> {
  await testDatabase.query(
    `INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claim_ends_at, published_at)
     SELECT gen_random_uuid(), gen_random_uuid(), 'purge_spec.happened', n::text || '-' || $2::int, 1, now() - make_interval(days => $2::int),
            '{}', '-infinity', now() - make_interval(days => $3::int)
     FROM generate_series(1, $1::int) n`,
    [count, daysAgo, sentDaysAgo],
  );
}

const left = async (): Promise<number> =>
  (await testDatabase.query<{ count: number }>('SELECT count(*)::int AS count FROM outbox'))[0]!.count;

describe('purging the outbox', () => {
  it('deletes what was sent before the days set, in batches, and nothing else', async () => {
    await add(12_000, 8);
    await add(3_000, 6);
    const batches: number[] = [];
    await purgeOutbox(database, 7, (events) => batches.push(events));
    expect(batches).toEqual([5_000, 5_000, 2_000]);
    expect(await left()).toBe(3_000);
  });

  it('counts the events of a row that holds several', async () => {
    await add(2, 8);
    await testDatabase.query(`UPDATE outbox SET more = '[{}, {}]' WHERE subject LIKE '1-%'`);
    const batches: number[] = [];
    await purgeOutbox(database, 7, (events) => batches.push(events));
    expect([batches, await left()]).toEqual([[4], 0]);
  });

  it('keeps what is not sent yet, however old, and what was sent late; and purges what lies behind them', async () => {
    await add(6_000, 9, null);
    await add(10, 9, 2);
    await add(6_000, 8);
    await purgeOutbox(database, 7);
    expect(await left()).toBe(6_010);
    await purgeOutbox(database, 1);
    expect(await left()).toBe(6_000);
  });

  it('by several replicas at once deletes each row once', async () => {
    await add(20_000, 8);
    const batches: number[] = [];
    const other = await Database.connect({ url: testDatabase.url, name: 'events' });
    await Promise.all([database, other].map((one) => purgeOutbox(one, 7, (events) => batches.push(events))));
    await other.close();
    // What both had in hand at the same time the next round takes.
    await purgeOutbox(database, 7, (events) => batches.push(events));
    expect(batches.reduce((sum, events) => sum + events, 0)).toBe(20_000);
    expect(await left()).toBe(0);
  });

  it('reads one batch when there is nothing to delete, though space was used again since (no scan of the table)', async () => {
    await add(20_000, 8);
    await purgeOutbox(database, 7);
    await testDatabase.query('VACUUM outbox');
    await add(30_000, 1);
    await testDatabase.query('ANALYZE outbox');
    const reads = async (): Promise<number> => {
      // Counters of a backend reach everybody when it ends or is idle for a second.
      await database.query('SELECT pg_stat_force_next_flush()');
      const [row] = await database.query<{ rows: string }>(
        `SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_user_tables WHERE relname = 'outbox'`,
      );
      return Number(row!.rows);
    };
    const single = await Database.connect({ url: testDatabase.url, name: 'events', poolSize: 1 });
    await database.close();
    database = single;
    // What its backends have counted is told when they end, which may be after the connections have.
    await eventually(async () => {
      const others = await database.query(
        'SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()',
        ['events'],
      );
      expect(others).toEqual([]);
    });
    const before = await reads();
    await purgeOutbox(database, 7);
    expect((await reads()) - before).toBeLessThan(5_100);
  });
});
