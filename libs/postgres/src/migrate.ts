import { DataSource, type MigrationInterface } from 'typeorm';
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
    return ran.map((migration) => migration.name);
  } finally {
    // The lock ends with its connection.
    await lock.release();
    await dataSource.destroy();
  }
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
