import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DomainError } from '@parley/errors';
import { createTestDatabase, type TestDatabase } from '@parley/testing';
import type { EntityManager } from 'typeorm';
import { Database, sql } from './database.ts';
import { migrate } from './migrate.ts';
import { isUniqueViolation } from './sql-state.ts';

let target: TestDatabase;
let database: Database;

beforeAll(async () => {
  target = await createTestDatabase([], migrate);
  await target.query('CREATE TABLE notes (id int PRIMARY KEY, text text NOT NULL)');
  database = await Database.connect({ url: target.url, name: 'spec' });
});
beforeEach(async () => {
  await target.query("TRUNCATE notes; INSERT INTO notes VALUES (1, 'one'), (2, 'two')");
});
afterAll(async () => {
  await database.close();
  await target.drop();
});

const raise = (tx: EntityManager, state: string) =>
  sql(tx, `DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '${state}'; END $$`);
const notes = async () =>
  (await target.query<{ text: string }>('SELECT text FROM notes ORDER BY id')).map(({ text }) => text);

describe('a transaction', () => {
  it('is committed as a whole, and gives what the work gives', async () => {
    const answer = await database.transaction(async (tx) => {
      await sql(tx, "UPDATE notes SET text = 'uno' WHERE id = 1");
      return sql<{ id: number }>(tx, "UPDATE notes SET text = 'due' WHERE id = 2 RETURNING id");
    });
    expect(answer).toEqual([{ id: 2 }]);
    expect(await notes()).toEqual(['uno', 'due']);
  });

  it('leaves nothing when its work fails, and fails with the same error, after one attempt', async () => {
    const error = new DomainError('not_found', 'NOTE_NOT_FOUND', 'Note not found');
    let attempts = 0;
    const failed = database.transaction(async (tx) => {
      attempts++;
      await sql(tx, 'DELETE FROM notes');
      throw error;
    });
    await expect(failed).rejects.toBe(error);
    expect(attempts).toBe(1);
    expect(await notes()).toEqual(['one', 'two']);
  });

  it.each([
    ['40001', 'a serialisation failure'],
    ['40P01', 'a deadlock'],
    ['55P03', 'a lock that is not available'],
  ])('runs again after %s, %s, and is committed once', async (state) => {
    let attempts = 0;
    await database.transaction(async (tx) => {
      attempts++;
      await sql(tx, "UPDATE notes SET text = text || '!' WHERE id = 1");
      if (attempts < 4) await raise(tx, state);
    });
    expect(attempts).toBe(4);
    expect(await notes()).toEqual(['one!', 'two']);
  });

  it.each(['40001', '40P01', '55P03'])(
    'gives up as unavailable when it meets %s every time',
    async (state) => {
      let attempts = 0;
      const failed = database.transaction(async (tx) => {
        attempts++;
        await sql(tx, 'DELETE FROM notes');
        await raise(tx, state);
      });
      await expect(failed).rejects.toMatchObject({ kind: 'unavailable', reason: 'UNAVAILABLE' });
      expect(attempts).toBe(4);
      expect(await notes()).toEqual(['one', 'two']);
    },
  );

  it('that finds the disk full is unavailable, and its service is not ready for a while', async () => {
    await database.ready();
    await expect(database.transaction((tx) => raise(tx, '53100'))).rejects.toMatchObject({
      kind: 'unavailable',
    });
    await expect(database.ready()).rejects.toThrow('The disk of the database is full');
    const later = performance.now() + 5_000;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(later);
    await database.ready();
    clock.mockRestore();
  });

  it('survives a deadlock with another one: both are committed', async () => {
    const bothHoldOne = barrier(2);
    let attempts = 0;
    const append = (first: number, second: number, mark: string) =>
      database.transaction(async (tx) => {
        attempts++;
        await sql(tx, "SET LOCAL deadlock_timeout = '100ms'");
        await sql(tx, 'UPDATE notes SET text = text || $2 WHERE id = $1', [first, mark]);
        await bothHoldOne();
        await sql(tx, 'UPDATE notes SET text = text || $2 WHERE id = $1', [second, mark]);
      });
    await Promise.all([append(1, 2, 'a'), append(2, 1, 'a')]);
    expect(attempts).toBeGreaterThan(2);
    expect(await notes()).toEqual(['oneaa', 'twoaa']);
  });

  it.each(['22012', '23502', '42P01'])(
    'does not run again after %s, which would only come again',
    async (state) => {
      let attempts = 0;
      const failed = database.transaction(async (tx) => {
        attempts++;
        await raise(tx, state);
      });
      await expect(failed).rejects.toMatchObject({ driverError: { code: state } });
      expect(attempts).toBe(1);
    },
  );
});

describe('a statement', () => {
  it.each([
    ['SELECT', 'SELECT text FROM notes WHERE id = 1', [{ text: 'one' }]],
    ['INSERT', "INSERT INTO notes VALUES (3, 'x') RETURNING id", [{ id: 3 }]],
    ['UPDATE', "UPDATE notes SET text = 'x' WHERE id = 1 RETURNING id, text", [{ id: 1, text: 'x' }]],
    ['DELETE', 'DELETE FROM notes WHERE id = 2 RETURNING text', [{ text: 'two' }]],
    ['DELETE that meets nothing', 'DELETE FROM notes WHERE id = 9 RETURNING text', []],
  ])('gives its rows, also a %s', async (_, text, rows) => {
    expect(await database.query(text)).toEqual(rows);
  });

  it('gives its connection back, also when it fails', async () => {
    for (let n = 0; n < 15; n++)
      await expect(database.query('SELECT 1/0')).rejects.toThrow('division by zero');
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is known by pg_stat_activity under the name of its service', async () => {
    expect(await database.query("SELECT current_setting('application_name') AS name")).toEqual([
      { name: 'spec' },
    ]);
  });
});

describe('a unique violation', () => {
  const errorOf = (text: string) => database.query(text).catch((error: unknown) => error);

  it('is recognised, wherever the error comes from', async () => {
    expect(isUniqueViolation(await errorOf("INSERT INTO notes VALUES (1, 'x')"))).toBe(true);
    const driver = await target.query("INSERT INTO notes VALUES (1, 'x')").catch((error: unknown) => error);
    expect(isUniqueViolation(driver)).toBe(true);
  });

  it('is told from other errors', async () => {
    expect(isUniqueViolation(await errorOf('INSERT INTO notes VALUES (3, NULL)'))).toBe(false);
    for (const error of [new Error('23505'), undefined, null, '23505'])
      expect(isUniqueViolation(error)).toBe(false);
  });
});

/** Waits until as many have come, the first time; lets pass afterwards. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  return () => {
    if (++waiting >= count) resolve();
    return promise;
  };
}
