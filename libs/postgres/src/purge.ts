import { BackgroundLoop, type Logger } from '@parley/service';

/** Rows of a table that are at the end of their time. */
export interface OldRows {
  table: string;
  /** The columns of its primary key. */
  key: string[];
  /** Which they are, by the database's clock: SQL that an index answers. */
  condition: string;
}

/** Whatever runs a statement. */
interface Queries {
  query(text: string, parameters: unknown[]): Promise<unknown[]>;
}

const INTERVAL_MS = 60_000;
const BATCH_SIZE = 1_000;

/** Deletes up to limit of them, passing over what another replica has in hand. Gives how many. */
export async function deleteOld(
  database: Queries,
  { table, key, condition }: OldRows,
  limit: number,
): Promise<number> {
  const columns = key.join(', ');
  const deleted = await database.query(
    `DELETE FROM ${table} WHERE (${columns}) IN (
       SELECT ${columns} FROM ${table} WHERE ${condition} LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING 1`,
    [limit],
  );
  return deleted.length;
}

/** Deletes old rows once a minute, 1,000 in each statement. Runs in every replica; nobody waits for it. */
export function purgeLoop(options: {
  name: string;
  database: Queries;
  rows: OldRows[];
  logger: Logger;
}): BackgroundLoop {
  const { name, database, rows, logger } = options;
  return new BackgroundLoop({
    name,
    pauseMs: INTERVAL_MS,
    work: async () => {
      const deleted: number[] = [];
      for (const old of rows) deleted.push(await deleteOld(database, old, BATCH_SIZE));
      return deleted.includes(BATCH_SIZE);
    },
    logger,
  });
}
