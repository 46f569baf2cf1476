import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually, freePort, inTime, Wire, type TestDatabase } from '@parley/testing';
import { Database, sql } from './database.ts';
import { migrate } from './migrate.ts';
import { isAway } from './sql-state.ts';

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
  wire = await Wire.toPostgres();
  database = await Database.connect({ url: wire.urlOf(target.url), name: 'spec', poolSize: 1 });
});
afterEach(async () => {
  wire.resume();
  await database.close();
  await wire.cut();
});
afterAll(() => target.drop());

/** A caller waits two seconds (P10). */
const PATIENCE_MS = 2_500;
/** A statement on a connection that says nothing is given up half a second after its own limit. */
const SILENCE_MS = 3_500;

const expectUnavailable = (ask: () => Promise<unknown>, withinMs = PATIENCE_MS): Promise<void> =>
  inTime(withinMs, () => expect(ask()).rejects.toMatchObject(UNAVAILABLE));
const write = (text: string) => database.query('INSERT INTO notes VALUES ($1)', [text]);
/** For connections to come; those there are stay as they are. */
const setReadOnly = (value: 'on' | 'off'): Promise<unknown> =>
  target.query(`SET transaction_read_only = off;
    ALTER DATABASE ${new URL(target.url).pathname.slice(1)} SET default_transaction_read_only = ${value}`);
const notes = async () =>
  (await target.query<{ text: string }>('SELECT text FROM notes ORDER BY text')).map(({ text }) => text);

describe('a database that is away', () => {
  it('is no start when nothing listens there', async () => {
    const url = `postgres://127.0.0.1:${await freePort()}/nothing`;
    await inTime(PATIENCE_MS, async () => {
      const error: unknown = await Database.connect({ url, name: 'spec' }).catch((reason: unknown) => reason);
      expect(isAway(error)).toBe(true);
    });
  });

  it('makes statements and transactions unavailable when it refuses connections, and is found again (P10)', async () => {
    await wire.cut();
    await expectUnavailable(() => database.query('SELECT 1'));
    await expectUnavailable(() => database.ready());
    await expectUnavailable(() => database.transaction((tx) => sql(tx, 'SELECT 1')));
    await wire.mend();
    await database.ready();
    await wire.cut();
    await wire.mend();
    await eventually(() => database.ready());
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

  it('makes writes unavailable and is not ready while it takes none, and is found again (P10)', async () => {
    await write('before');
    // As after a failover.
    await setReadOnly('on');
    await wire.cut();
    await wire.mend();
    await write('on the connection that was cut').catch(() => undefined);
    await expectUnavailable(() => write('statement'));
    await expectUnavailable(() => database.statements((tx) => tx.query("INSERT INTO notes VALUES ('one')")));
    await expectUnavailable(() => database.transaction((tx) => sql(tx, "INSERT INTO notes VALUES ('two')")));
    await expect(database.ready()).rejects.toThrow('The database takes no writes');
    await setReadOnly('off');
    // One connection, which was to the server that took no writes.
    await expectUnavailable(() => write('the last on that connection'));
    await database.ready();
    await write('after');
    expect(await notes()).toEqual(['after', 'before']);
  });

  it('makes a statement that takes too long unavailable (P10)', async () => {
    await expectUnavailable(() => database.query('SELECT pg_sleep(20)'));
    await database.ready();
  });

  it('makes a statement unavailable that waits too long for a connection (P10)', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const holds = Promise.withResolvers<void>();
    const busy = database.transaction(async () => {
      holds.resolve();
      await promise;
    });
    await holds.promise;
    await expectUnavailable(() => database.ready());
    resolve();
    await busy;
    await database.ready();
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
    await expectUnavailable(async () => {
      await database.ready();
      wire.pause();
      await database.query("SELECT 'late' AS text").finally(() => wire.resume());
    }, SILENCE_MS);
    expect(await database.query("SELECT 'fresh' AS text")).toEqual([{ text: 'fresh' }]);
  });

  it.each([
    ['begins', 0],
    ['is under way', 1],
  ])(
    'while a transaction %s leaves no open transaction behind for later writes to fall into (P2)',
    async (_, step) => {
      await database.ready();
      if (step === 0) wire.pause();
      const lost = database.transaction(async (tx) => {
        await sql(tx, "INSERT INTO notes VALUES ('lost')");
        wire.pause();
        await sql(tx, 'SELECT 1');
      });
      await expect(lost).rejects.toMatchObject(UNAVAILABLE);
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
