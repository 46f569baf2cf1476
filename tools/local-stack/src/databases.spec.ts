import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPostgres } from '@parley/local-servers';
import type { PostgresServer } from '@parley/local-servers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ensureDatabases } from './databases.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-databases-'));
const passwords = { contact: 'c@/1', flow_catalog: "f'2", session: 's3', channel: 'h5', gateway: 'g4' };
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({
    dataDir: join(folder, 'postgres'),
    password: 'p',
    logFile: join(folder, 'log'),
    settings: { fsync: 'off' },
  });
  await query(server.url, "CREATE ROLE maker LOGIN CREATEROLE CREATEDB PASSWORD 'm'");
  await query(server.url, "CREATE ROLE nobody LOGIN PASSWORD 'n'");
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function as(user: string, password: string, database = 'postgres'): string {
  const url = new URL(server.url);
  Object.assign(url, { username: user, password, pathname: `/${database}` });
  return url.href;
}

describe('ensureDatabases', () => {
  it('says what is missing where a user may make neither roles nor databases', async () => {
    const notes: string[] = [];
    await expect(ensureDatabases(as('nobody', 'n'), passwords, (line) => notes.push(line))).rejects.toThrow(
      'There is no database parley_contact, and Postgres user nobody may not create it.',
    );
    expect(notes).toEqual(['Postgres user nobody may not create roles: all services use it']);
  });

  it('gives each service its own database, which no other may enter; a second time changes nothing', async () => {
    const urls = await ensureDatabases(as('maker', 'm'), passwords, () => undefined);
    expect(await ensureDatabases(server.url, passwords, () => undefined)).toEqual(urls);
    expect(await query(urls.session, 'SELECT current_user, current_database()')).toEqual([
      { current_user: 'parley_session', current_database: 'parley_session' },
    ]);
    await query(urls.contact, 'CREATE TABLE mine (n int)');
    await expect(query(as('parley_session', 's3', 'parley_contact'), 'SELECT 1')).rejects.toThrow(
      'permission denied',
    );
  });
});
