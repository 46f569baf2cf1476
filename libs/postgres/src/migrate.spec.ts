import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually, type TestDatabase } from '@parley/testing';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';

class CreateNotes1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Slow enough for all that came at once to be waiting.
    await runner.query('SELECT pg_sleep(0.3)');
    await runner.query('CREATE TABLE notes (id int PRIMARY KEY)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE notes');
  }
}
class AddText1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('INSERT INTO notes VALUES (1)');
    await runner.query('ALTER TABLE notes ADD text text');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE notes DROP text');
  }
}
class Broken1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('INSERT INTO notes VALUES (2)');
    await runner.query('SELECT 1/0');
  }
  async down(): Promise<void> {}
}

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase([], migrate);
});
afterEach(() => database.drop());

const ALL = [CreateNotes1700000000001, AddText1700000000002];

describe('migrating a database', () => {
  it('runs in order what the database lacks, and names it', async () => {
    expect(await migrate(database.url, [CreateNotes1700000000001])).toEqual(['CreateNotes1700000000001']);
    expect(await migrate(database.url, ALL)).toEqual(['AddText1700000000002']);
    expect(await migrate(database.url, ALL)).toEqual([]);
    expect(await database.query('SELECT id, text FROM notes')).toEqual([{ id: 1, text: null }]);
  });

  it.each([2, 10])('is done once when %i do it at the same time', async (count) => {
    const answers = await Promise.all(Array.from({ length: count }, () => migrate(database.url, ALL)));
    expect(answers.toSorted((a, b) => b.length - a.length)).toEqual([
      ['CreateNotes1700000000001', 'AddText1700000000002'],
      ...Array<string[]>(count - 1).fill([]),
    ]);
    expect(await database.query('SELECT id FROM notes')).toHaveLength(1);
  });

  it('keeps what was done before a migration that fails, nothing of that one, and can go on', async () => {
    await expect(migrate(database.url, [...ALL, Broken1700000000003])).rejects.toThrow('division by zero');
    expect(await database.query('SELECT id FROM notes')).toEqual([{ id: 1 }]);
    expect(await migrate(database.url, ALL)).toEqual([]);
  });

  it('expects one tenant in a table that Postgres has not looked at, and leaves alone what Postgres has seen', async () => {
    class CreateItems1700000000004 implements MigrationInterface {
      async up(runner: QueryRunner): Promise<void> {
        await runner.query('CREATE TABLE items (tenant_id int, id int)');
      }
      async down(): Promise<void> {}
    }
    const expected = `SELECT n_distinct FROM pg_stats WHERE tablename = 'items' AND attname = 'tenant_id'`;
    await migrate(database.url, [CreateItems1700000000004]);
    expect(await database.query(expected)).toEqual([{ n_distinct: 1 }]);
    await database.query('INSERT INTO items SELECT n, n FROM generate_series(1, 100) AS n');
    await database.query('ANALYZE items');
    await migrate(database.url, [CreateItems1700000000004]);
    expect(await database.query(expected)).toEqual([{ n_distinct: -1 }]);
  });

  it('leaves no connection and no lock behind', async () => {
    await migrate(database.url, ALL);
    const others =
      'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    // A backend is gone a moment after its connection.
    await eventually(async () => expect(await database.query(others)).toEqual([]));
    expect(
      await database.query(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      ),
    ).toEqual([]);
  });
});

describe('a database', () => {
  it('is ready once it has all the migrations a service is built for, and newer ones do not matter', async () => {
    await database.query('DROP TABLE migrations');
    const connected = await Database.connect({ url: database.url, name: 'spec', migrations: ALL });
    await expect(connected.ready()).rejects.toThrow(
      'The database lacks migrations: CreateNotes1700000000001, AddText1700000000002. Run the migrate command.',
    );
    await migrate(database.url, [CreateNotes1700000000001]);
    await expect(connected.ready()).rejects.toThrow('The database lacks migrations: AddText1700000000002.');
    await migrate(database.url, ALL);
    await connected.ready();
    await connected.close();
    const older = await Database.connect({
      url: database.url,
      name: 'spec',
      migrations: [CreateNotes1700000000001],
    });
    await older.ready();
    await older.close();
  });
});
