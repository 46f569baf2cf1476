import { DataSource, type MigrationInterface } from 'typeorm';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

type Migrations = (new () => MigrationInterface)[];

/** The schema of a database after each of some migrations, the empty one first. */
type Schemas = string[][];

/**
 * Undoes some migrations one by one, on a database that has them, and makes them again. Gives the schemas it came through, on the
 * way down and on the way up, both in the order of the migrations: they should be the same.
 */
export async function migrateBothWays(
  migrations: Migrations,
  migrate: (url: string, migrations: Migrations) => Promise<unknown>,
): Promise<{ down: Schemas; up: Schemas }> {
  const database = await createTestDatabase(migrations, migrate);
  try {
    return await bothWays(database, migrations);
  } finally {
    await database.drop();
  }
}

async function bothWays(
  database: TestDatabase,
  migrations: Migrations,
): Promise<{ down: Schemas; up: Schemas }> {
  const down: Schemas = [await schemaOf(database)];
  // As they are run: by the numbers in their names.
  const inOrder = migrations.toSorted((a, b) => numberOf(a) - numberOf(b));
  await onDatabase(database, migrations, async (dataSource) => {
    while (down.length <= migrations.length) {
      await dataSource.undoLastMigration({ transaction: 'each' });
      down.unshift(await schemaOf(database));
    }
  });
  const up: Schemas = [await schemaOf(database)];
  for (let count = 1; count <= migrations.length; count++) {
    await onDatabase(database, inOrder.slice(0, count), (dataSource) =>
      dataSource.runMigrations({ transaction: 'each' }),
    );
    up.push(await schemaOf(database));
  }
  return { down, up };
}

function numberOf({ name }: Migrations[number]): number {
  return Number(/\d+$/.exec(name)?.[0]);
}

async function onDatabase(
  database: TestDatabase,
  migrations: Migrations,
  work: (dataSource: DataSource) => Promise<unknown>,
): Promise<void> {
  const dataSource = new DataSource({ type: 'postgres', url: database.url, migrations, logging: false });
  await dataSource.initialize();
  try {
    await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

/** Columns, indexes, constraints, views, functions and triggers, each in words. */
async function schemaOf(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ part: string }>(`
    SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, generation_expression) AS part
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL SELECT concat_ws(' ', viewname, definition) FROM pg_views WHERE schemaname = 'public'
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal`);
  return rows.map(({ part }) => part).sort();
}
