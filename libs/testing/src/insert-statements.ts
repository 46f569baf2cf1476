import type { TestDatabase } from './test-database.ts';

/** How many INSERT statements on a table were run during the work, those of transactions that were taken back included. */
export async function insertStatements(
  database: TestDatabase,
  table: string,
  work: () => Promise<unknown>,
): Promise<number> {
  // A sequence counts, which a rollback leaves alone.
  await database.query(`
    CREATE SEQUENCE insertions;
    CREATE FUNCTION count_insertion() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM nextval(''insertions''); RETURN NULL; END';
    CREATE TRIGGER count_insertion BEFORE INSERT ON ${table} EXECUTE FUNCTION count_insertion()`);
  await work();
  const [counted] = await database.query<{ insertions: number }>(
    'SELECT last_value::int AS insertions FROM insertions',
  );
  await database.query(`
    DROP TRIGGER count_insertion ON ${table};
    DROP FUNCTION count_insertion;
    DROP SEQUENCE insertions`);
  return counted!.insertions;
}
