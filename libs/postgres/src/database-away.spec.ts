import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually, freePort, type TestDatabase } from '@parley/testing';
import { Database, sql } from './database.ts';
import { migrate } from './migrate.ts';
import { isAway } from './sql-state.ts';
import { Wire } from './testing/wire.ts';

const UNAVAILABLE = {
  kind: 'unavailable',
  reason: 'UNAVAILABLE',
  message: 'The database did not answer in time',
};

let target: TestDatabase;
let wire: Wire;
let database: Database;

beforeAll(async () => {
  target = await createTestDatabase([], migrate);
  await target.query('CREATE TABLE notes (text text PRIMARY KEY)');
});
beforeEach(async () => {
  await target.query('TRUNCATE notes');
  wire = await Wire.to(target.url);
  database = await Database.connect({ url: wire.url, name: 'spec', poolSize: 1 });
});
afterEach(async () => {
  wire.resume();
  await database.close();
  await wire.cut();
});
afterAll(() => target.drop());

const timed = async (answer: Promise<unknown>): Promise<{ error: unknown; ms: number }> => {
  const begun = performance.now();
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, ms: performance.now() - begun };
};
const write = (text: string) => database.query('INSERT INTO notes VALUES ($1)', [text]);
const notes = async () =>
  (await target.query<{ text: string }>('SELECT text FROM notes ORDER BY text')).map(({ text }) => text);

describe('a database that is away', () => {
  it('is no start when nothing listens there', async () => {
    const url = `postgres://127.0.0.1:${await freePort()}/nothing`;
    const { error, ms } = await timed(Database.connect({ url, name: 'spec' }));
    expect(isAway(error)).toBe(true);
    expect(ms).toBeLessThan(2_500);
  });

  it('makes statements and transactions unavailable when it refuses connections, and is found again (P10)', async () => {
    await wire.cut();
    for (const answer of [
      database.query('SELECT 1'),
      database.ping(),
      database.transaction((tx) => sql(tx, 'SELECT 1')),
    ]) {
      const { error, ms } = await timed(answer);
      expect(error).toMatchObject(UNAVAILABLE);
      expect(ms).toBeLessThan(2_500);
    }
    await wire.mend();
    await database.ping();
    await wire.cut();
    await wire.mend();
    await eventually(() => database.ping());
  });

  it('makes a transaction unavailable when its connection breaks, and nothing of it stays (P10)', async () => {
    const broken = database.transaction(async (tx) => {
      await sql(tx, "INSERT INTO notes VALUES ('half')");
      await target.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spec'",
      );
      await sql(tx, "INSERT INTO notes VALUES ('done')");
    });
    await expect(broken).rejects.toMatchObject(UNAVAILABLE);
    await write('after');
    expect(await notes()).toEqual(['after']);
  });

  it('makes a transaction of statements unavailable when its connection breaks, and the process lives (P6, P10)', async () => {
    const broken = database.statements(async (tx) => {
      await tx.query("INSERT INTO notes VALUES ('half')");
      await wire.cut();
      await wire.mend();
      await tx.query("INSERT INTO notes VALUES ('done')");
    });
    await expect(broken).rejects.toMatchObject(UNAVAILABLE);
    await write('after');
    expect(await notes()).toEqual(['after']);
  });

  it('makes a statement that takes too long unavailable (P10)', async () => {
    const { error, ms } = await timed(database.query('SELECT pg_sleep(20)'));
    expect(error).toMatchObject(UNAVAILABLE);
    expect(ms).toBeLessThan(2_500);
    await database.ping();
  });

  it('makes a statement unavailable that waits too long for a connection (P10)', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const holds = Promise.withResolvers<void>();
    const busy = database.transaction(async () => {
      holds.resolve();
      await promise;
    });
    await holds.promise;
    const { error, ms } = await timed(database.ping());
    expect(error).toMatchObject(UNAVAILABLE);
    expect(ms).toBeLessThan(2_500);
    resolve();
    await busy;
    await database.ping();
  });
});

describe('a transaction whose process stands still', () => {
  it('is ended by the database, which frees its locks', async () => {
    await write('note');
    const { promise, resolve } = Promise.withResolvers<void>();
    const stuck = database.transaction(async (tx) => {
      await sql(tx, "UPDATE notes SET text = 'stuck'");
      await promise;
    });
    const refused = expect(stuck).rejects.toMatchObject(UNAVAILABLE);
    await eventually(() => target.query("UPDATE notes SET text = 'free'"));
    resolve();
    await refused;
    expect(await notes()).toEqual(['free']);
  });
});

describe('a database that falls silent', () => {
  it('makes a statement unavailable, and mixes up no answers when it speaks again (P10)', async () => {
    await database.ping();
    wire.pause();
    const { error, ms } = await timed(database.query("SELECT 'late' AS text"));
    expect(error).toMatchObject(UNAVAILABLE);
    expect(ms).toBeLessThan(3_500);
    wire.resume();
    expect(await database.query("SELECT 'fresh' AS text")).toEqual([{ text: 'fresh' }]);
  });

  it.each([
    ['begins', 0],
    ['is under way', 1],
  ])(
    'while a transaction %s leaves no open transaction behind for later writes to fall into (P2)',
    async (_, step) => {
      await database.ping();
      if (step === 0) wire.pause();
      const { error } = await timed(
        database.transaction(async (tx) => {
          await sql(tx, "INSERT INTO notes VALUES ('lost')");
          wire.pause();
          await sql(tx, 'SELECT 1');
        }),
      );
      expect(error).toMatchObject(UNAVAILABLE);
      wire.resume();
      await write('kept');
      await eventually(async () => expect(await notes()).toEqual(['kept']), 3_000);
      const idle = await target.query(
        "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'",
      );
      expect(idle).toEqual([]);
    },
  );
});
