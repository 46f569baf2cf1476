import pg from 'pg';
import { messageOf } from './message-of.ts';
import { SERVICE_NAMES } from './service-names.ts';
import type { ServiceName } from './service-names.ts';

export type DatabaseUrls = Record<ServiceName, string>;

interface Rights {
  name: string;
  superuser: boolean;
  createRoles: boolean;
  createDatabases: boolean;
}

/**
 * Makes what is missing of each service's database and role, both named parley_<service>. Where the user of the
 * URL may not make roles, that user is used for all, and `log` is told so.
 * @param serverUrl a postgres:// URL of a user with the rights
 * @returns the URL of each service's database
 * @throws Error when the server cannot be reached, or databases are missing and the user may not make them
 */
export async function ensureDatabases(
  serverUrl: string,
  passwords: Record<ServiceName, string>,
  log: (line: string) => void,
): Promise<DatabaseUrls> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
  } catch (error) {
    const { host } = new URL(serverUrl);
    throw new Error(`No answer from Postgres at ${host} (DATABASE_URL): ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    const rights = await rightsOf(client);
    const ownRoles = rights.superuser || rights.createRoles;
    if (!ownRoles) log(`Postgres user ${rights.name} may not create roles: all services use it`);
    const urls: [ServiceName, string][] = [];
    for (const service of SERVICE_NAMES) {
      const database = `parley_${service}`;
      if (ownRoles) await ensureRole(client, database, passwords[service], rights);
      await ensureDatabase(client, database, ownRoles, rights);
      urls.push([service, urlOf(serverUrl, database, ownRoles ? passwords[service] : undefined)]);
    }
    return Object.fromEntries(urls) as DatabaseUrls;
  } finally {
    await client.end();
  }
}

async function rightsOf(client: pg.Client): Promise<Rights> {
  const { rows } = await client.query<Rights>(
    `SELECT rolname AS name, rolsuper AS superuser, rolcreaterole AS "createRoles", rolcreatedb AS "createDatabases"
       FROM pg_roles WHERE rolname = current_user`,
  );
  return rows[0] as Rights;
}

async function ensureRole(client: pg.Client, name: string, password: string, rights: Rights): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  await client.query(`${verb} ROLE ${name} LOGIN PASSWORD ${client.escapeLiteral(password)}`);
  // Who is not superuser must be a member of the role to make a database for it.
  if (!rights.superuser) await client.query(`GRANT ${name} TO CURRENT_USER`);
}

async function ensureDatabase(
  client: pg.Client,
  name: string,
  ownRole: boolean,
  rights: Rights,
): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (rowCount !== 0) return;
  if (!rights.superuser && !rights.createDatabases) {
    throw new Error(`There is no database ${name}, and Postgres user ${rights.name} may not create it.`);
  }
  const owner = ownRole ? ` OWNER ${name}` : '';
  await client.query(`CREATE DATABASE ${name}${owner} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`);
  // Each service's data is its own: others may not even connect.
  await client.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
}

function urlOf(serverUrl: string, database: string, password: string | undefined): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  if (password !== undefined) {
    url.username = database;
    url.password = password;
  }
  return url.href;
}
