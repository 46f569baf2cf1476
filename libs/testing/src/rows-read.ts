/** Whatever runs statements on one connection. */
interface Connection {
  query<Row>(statement: string, parameters?: unknown[]): Promise<Row[]>;
}

/** Rows of a table, read by index or by reading the table, while something was done, by one connection with nobody beside it. */
export async function rowsReadBy(
  connection: Connection,
  table: string,
  work: () => Promise<unknown>,
): Promise<number> {
  const before = await rowsRead(connection, table);
  await work();
  return (await rowsRead(connection, table)) - before;
}

async function rowsRead(connection: Connection, table: string): Promise<number> {
  await connection.query('SELECT pg_stat_force_next_flush()');
  const [row] = await connection.query<{ rows: number }>(
    'SELECT (seq_tup_read + idx_tup_fetch)::int AS rows FROM pg_stat_user_tables WHERE relname = $1',
    [table],
  );
  return row!.rows;
}
