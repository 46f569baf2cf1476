import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { POSTGRES_URL } from './test-servers.ts';

type Migration = abstract new () => unknown;

export interface TestDatabase {
  readonly url: string;
  /** A statement on a connection of its own, for looking behind the service's back. */
  query<Row extends pg.QueryResultRow>(text: string, parameters?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/**
 * A database of the spec's own. It is cloned from a template that is migrated once per set of migrations, which
 * takes some tens of milliseconds.
 */
export async function createTestDatabase<M extends Migration>(
  migrations: M[],
  migrate: (url: string, migrations: M[]) => Promise<unknown>,
): Promise<TestDatabase> {
  const server = process.env[POSTGRES_URL];
  if (!server) throw new Error("No test servers: does this project's jest.config.mjs use libs/testing?");
  const template = `template_${createHash('sha256').update(migrations.map(String).join()).digest('hex').slice(0, 16)}`;
  const name = `spec_${randomUUID().replaceAll('-', '')}`;
  await withClient(server, async (client) => {
    // Specs run side by side; one makes the template, the others wait for it.
    await client.query('SELECT pg_advisory_lock(1)');
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [
      template,
    ]);
    if (rowCount === 0) {
      await client.query(`DROP DATABASE IF EXISTS ${template}`);
      await client.query(`CREATE DATABASE ${template}`);
      await migrate(urlOf(server, template), migrations);
      await client.query(`ALTER DATABASE ${template} IS_TEMPLATE true`);
    }
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  const url = urlOf(server, name);
  return {
    url,
    query: (text, parameters) => queryOnce(url, text, parameters),
    drop: async () => {
      await queryOnce(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** A statement on a connection of its own. Fails when the server dies meanwhile. */
export async function queryOnce<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  parameters?: unknown[],
): Promise<Row[]> {
  return withClient(url, async (client) => (await client.query<Row>(text, parameters)).rows);
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  // A lost connection fails the query under way; unheard, its event would end the process as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
