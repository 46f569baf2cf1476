import { unavailable } from '@parley/errors';
import type { Client, Pool } from 'pg';
import { DataSource, type EntityManager, type EntitySchema, type MigrationInterface } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { isAway, isConflict, isDiskFull, isReadOnly, isUndefinedTable } from './sql-state.ts';
import { runStatement, runStatements, type Statements } from './statements.ts';

export interface DatabaseOptions {
  /** postgres:// URL of the service's own database. */
  url: string;
  /** Shown in pg_stat_activity. */
  name: string;
  entities?: (NewableFunction | EntitySchema)[];
  /** What the service's code takes for granted: without all of them it is not ready. Default none. */
  migrations?: (new () => MigrationInterface)[];
  /** Connections at most. Default 10. */
  poolSize?: number;
}

/** A caller waits 2 s (P10); what a statement has not done well before that nobody reads. */
const STATEMENT_TIMEOUT_MS = 1_500;
/** A transaction never waits for anything but the database; one that does has lost its process, and holds locks. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
/**
 * Services look rows up by index. A prepared statement is planned once per connection, often while its tables are still
 * small; these keep it from being planned as a scan of tables that grow, and from being planned again for each batch.
 */
const PLANNER_OPTIONS =
  '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan';
/** So long after a statement for which there was no room on the disk the service is not ready. */
const DISK_FULL_MS = 5_000;
const MAX_ATTEMPTS = 4;
const AWAY = 'The database did not answer in time';

/**
 * A service's own database. Failures to reach it become `unavailable`; a transaction that lost to another one
 * (serialisation failure, deadlock, lock not available) is run again, a few times.
 */
export class Database {
  readonly dataSource: DataSource;
  /** Migrations that the database was not seen to have. */
  private lacking: string[];
  /** When a statement found the disk full last. */
  private fullAt = -Infinity;

  private constructor(dataSource: DataSource, migrations: string[]) {
    this.dataSource = dataSource;
    this.lacking = migrations;
  }

  static async connect(options: DatabaseOptions): Promise<Database> {
    const dataSource = new DataSource({
      type: 'postgres',
      url: options.url,
      applicationName: options.name,
      entities: options.entities ?? [],
      poolSize: options.poolSize ?? 10,
      connectTimeoutMS: STATEMENT_TIMEOUT_MS,
      // An idle connection that breaks is replaced by the pool at its next use.
      poolErrorHandler: () => undefined,
      extra: {
        keepAlive: true,
        options: PLANNER_OPTIONS,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
        // Also when the server itself stands still.
        query_timeout: STATEMENT_TIMEOUT_MS + 300,
        // Statements leave without waiting for the answer to the one before.
        pipeline: true,
      },
    });
    await dataSource.initialize();
    return new Database(
      dataSource,
      (options.migrations ?? []).map(({ name }) => name),
    );
  }

  /** One statement outside a transaction. */
  async query<Row>(text: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.attempt(() => runStatement<Row>(this.pool, text, parameters));
  }

  /** Work with repositories outside a transaction. */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.attempt(() => work(this.dataSource.manager));
  }

  /** Runs work in a READ COMMITTED transaction. It may run more than once: keep effects outside the database out. */
  async transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.attempt(() => this.runTransaction(work));
  }

  /** As transaction, for hand-written statements where every round trip counts. It may run more than once, too. */
  async statements<T>(work: (tx: Statements) => Promise<T>): Promise<T> {
    return this.attempt(() => runStatements(this.pool, work));
  }

  /**
   * Fails when the database does not answer or takes no writes, for 5 s after its disk was full, and until it has the migrations of
   * its options; newer ones do not matter.
   */
  async ready(): Promise<void> {
    const [setting] = await this.query<{ transaction_read_only: string }>('SHOW transaction_read_only');
    if (setting?.transaction_read_only === 'on') throw new Error('The database takes no writes');
    if (performance.now() - this.fullAt < DISK_FULL_MS) throw new Error('The disk of the database is full');
    if (this.lacking.length === 0) return;
    const ran = await this.query<{ name: string }>('SELECT name FROM migrations').catch((error: unknown) => {
      if (isUndefinedTable(error)) return [];
      throw error;
    });
    const names = new Set(ran.map(({ name }) => name));
    this.lacking = this.lacking.filter((name) => !names.has(name));
    if (this.lacking.length > 0)
      throw new Error(`The database lacks migrations: ${this.lacking.join(', ')}. Run the migrate command.`);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }

  /** TypeORM's own, so that a service has one limit of connections. */
  private get pool(): Pool {
    return (this.dataSource.driver as PostgresDriver).master as Pool;
  }

  private async runTransaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    const connection = (await runner.connect()) as Client;
    try {
      await runner.startTransaction();
      const result = await work(runner.manager);
      await runner.commitTransaction();
      return result;
    } catch (error) {
      // TypeORM releases the runner of a connection that breaks.
      if (runner.isReleased) throw unavailable(AWAY, error);
      // A connection that does not answer may be in the transaction still: the next user's writes would fall into it.
      await runner.rollbackTransaction().catch(() => void connection.end());
      if (isReadOnly(error)) void connection.end();
      throw error;
    } finally {
      await runner.release();
    }
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (isDiskFull(error)) this.fullAt = performance.now();
        if (isConflict(error) && attempt < MAX_ATTEMPTS) continue;
        if (isAway(error) || isConflict(error)) throw unavailable(AWAY, error);
        throw error;
      }
    }
  }
}

/** A statement's rows, whatever its kind (TypeORM answers UPDATE and DELETE in another shape). */
export async function sql<Row>(tx: EntityManager, text: string, parameters: unknown[] = []): Promise<Row[]> {
  const runner = tx.queryRunner ?? tx.dataSource.createQueryRunner();
  try {
    const result = await runner.query(text, parameters, true);
    return result.records as Row[];
  } finally {
    if (runner !== tx.queryRunner) await runner.release();
  }
}
