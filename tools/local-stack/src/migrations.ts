import { CommandError, runCommand } from '@parley/local-servers';
import { appProgram } from './repository.ts';
import { appOf } from './service-names.ts';
import type { ServiceName } from './service-names.ts';

/**
 * Brings one service's database to the newest schema. Safe to run twice at once.
 * @throws Error with what the migration printed
 */
export async function migrate(
  service: ServiceName,
  databaseUrl: string,
  signal?: AbortSignal,
): Promise<string> {
  try {
    return await runCommand(process.execPath, [appProgram(appOf(service), 'migrate')], {
      env: { ...process.env, DATABASE_URL: databaseUrl },
      signal,
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new Error(`The migration of ${service} failed:\n${error.output}`, { cause: error });
  }
}
