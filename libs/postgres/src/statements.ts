import { createHash } from 'node:crypto';
import { DatabaseError, type Pool, type PoolClient, type QueryResult } from 'pg';
import { isReadOnly } from './sql-state.ts';

/** A transaction of hand-written statements, and nothing between them and the driver. */
export interface Statements {
  /** A statement's rows. Statements not waited for leave together. */
  query<Row>(text: string, parameters?: unknown[]): Promise<Row[]>;
  /** Sends a statement whose rows nobody needs, without waiting for it. */
  post(text: string, parameters: unknown[]): void;
}

/** Runs one statement outside a transaction. */
export async function runStatement<Row>(pool: Pool, text: string, parameters: unknown[]): Promise<Row[]> {
  const client = await pool.connect();
  client.on('error', ignore);
  try {
    const { rows } = await send(client, text, parameters);
    client.off('error', ignore).release();
    return rows as Row[];
  } catch (error) {
    // The pool's own query would throw away a connection whose server has only refused the statement.
    client.off('error', ignore).release(!(error instanceof DatabaseError) || isReadOnly(error));
    throw error;
  }
}

/**
 * Runs work in a READ COMMITTED transaction that waits for the database as seldom as can be: BEGIN leaves with the
 * first statement, and what is posted with the next one or COMMIT (the pool's connections are pipelined).
 */
export async function runStatements<T>(pool: Pool, work: (tx: Statements) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks fails its statements, which is enough: unheard, its error would end the process.
  client.on('error', ignore);
  try {
    const result = await beginAndCommit(client, work);
    client.off('error', ignore).release();
    return result;
  } catch (error) {
    // A connection that does not answer may be in the transaction still: the next user's writes would fall into it.
    await client.query('ROLLBACK').then(
      () => client.off('error', ignore).release(isReadOnly(error)),
      () => client.release(true),
    );
    throw error;
  }
}

async function beginAndCommit<T>(client: PoolClient, work: (tx: Statements) => Promise<T>): Promise<T> {
  const sent: Promise<Answer>[] = [];
  const sendHere = (text: string, parameters: unknown[]): Promise<Answer> => {
    const answer = send(client, text, parameters);
    // Who does not wait for it is told by the commit.
    answer.catch(() => undefined);
    sent.push(answer);
    return answer;
  };

  void sendHere('BEGIN ISOLATION LEVEL READ COMMITTED', []);
  const result = await work({
    query: async <Row>(text: string, parameters: unknown[] = []) =>
      (await sendHere(text, parameters)).rows as Row[],
    post: (text, parameters) => void sendHere(text, parameters),
  });
  const commit = sendHere('COMMIT', []);
  await Promise.all(sent);
  // A statement that failed and was not waited for turns COMMIT into ROLLBACK; it has thrown above.
  const { command } = await commit;
  if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}`);
  return result;
}

type Answer = Pick<QueryResult, 'rows' | 'command'>;

/**
 * Sends a statement. The driver's objects of one that is over are kept for long by others of theirs that are dead and in V8's old
 * space, so they are let go of what is large: the rows and the parameters, which V8 would copy meanwhile.
 */
async function send(client: PoolClient, text: string, parameters: unknown[]): Promise<Answer> {
  const values = [...parameters];
  const result: QueryResult = await client.query(prepared(text, values));
  const { rows, command } = result;
  result.rows = [];
  values.length = 0;
  return { rows, command };
}

function ignore(): void {}

const names = new Map<string, string>();

/** A statement the server parses and plans once per connection. Those without parameters are sent as they are. */
function prepared(text: string, values: unknown[]): { text: string; values: unknown[]; name?: string } {
  if (values.length === 0) return { text, values };
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('base64url').slice(0, 16);
    names.set(text, name);
  }
  return { text, values, name };
}
