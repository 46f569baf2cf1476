import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { postgresUrl, readSettings, type Logger } from '@parley/service';
import { z } from 'zod';

/** Any number will do; all of ours use this one. Locks are per database. */
const LOCK_KEY = 7_265_539;

/**
 * Brings a database's tables up to date: runs the migrations it lacks, each in a transaction. Of several processes
 * that do so at once one migrates and the others wait for it. Gives the names of those it ran.
 */
export async function migrate(url: string, migrations: (new () => MigrationInterface)[]): Promise<string[]> {
  const dataSource = new DataSource({ type: 'postgres', url, migrations, poolSize: 2, logging: false });
  await dataSource.initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    const ran = await dataSource.runMigrations({ transaction: 'each' });
    await assumeOneTenant(lock);
    return ran.map((migration) => migration.name);
  } finally {
    // The lock ends with its connection.
    await lock.release();
    await dataSource.destroy();
  }
}

/**
 * Tells Postgres of tables that it has not looked at yet to expect that all rows are one tenant's. By itself it expects two hundred
 * tenants, so that of some hundred rows a tenant has one, as a contact has; which of the indexes that begin with the tenant it takes
 * is then a matter of their height, and the services keep a plan that reads all of a tenant's rows until the first ANALYZE (ADR 11).
 * That first ANALYZE replaces it. Only Postgres 18 and later can be told.
 */
async function assumeOneTenant(runner: QueryRunner): Promise<void> {
  const [can] = (await runner.query(
    `SELECT to_regproc('pg_restore_attribute_stats') IS NOT NULL AS tell`,
  )) as [{ tell: boolean }];
  if (!can.tell) return;
  await runner.query(
    `SELECT pg_restore_attribute_stats('schemaname', current_schema()::text, 'relname', t.relname::text, 'attname', a.attname::text,
       'inherited', false, 'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
     FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND pg_has_role(t.relowner, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_stats s
         WHERE s.schemaname = current_schema() AND s.tablename = t.relname AND s.attname = a.attname)`,
  );
}

/** The life of a migrate command: migrates DATABASE_URL, says what it did, exits 1 when it could not. */
export async function runMigrate(
  logger: Logger,
  migrations: (new () => MigrationInterface)[],
): Promise<void> {
  try {
    const { DATABASE_URL } = readSettings(z.object({ DATABASE_URL: postgresUrl }), process.env);
    const ran = await migrate(DATABASE_URL, migrations);
    logger.log(ran.length > 0 ? `Migrated: ${ran.join(', ')}` : 'Nothing to migrate');
  } catch (error) {
    logger.fatal('Could not migrate', { error });
    process.exitCode = 1;
  }
}
