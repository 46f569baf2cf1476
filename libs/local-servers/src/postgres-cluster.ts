import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandError, runCommand } from './command.ts';
import type { PostgresAccount } from './postgres-account.ts';

/** The superuser of every cluster made here. */
export const SUPERUSER = 'parley';

export interface ClusterOptions {
  dataDir: string;
  password: string;
  initdb: string;
  account: PostgresAccount;
  signal?: AbortSignal;
}

/**
 * Makes the data directory, unless it is there. It is made beside its place and moved there when complete, so that
 * a run that was killed meanwhile leaves nothing half done.
 */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { dataDir, account } = options;
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    const uid = process.getuid?.();
    const owner = statSync(dataDir).uid;
    if (uid !== 0 && uid !== owner) {
      throw new Error(`${dataDir} belongs to another user (id ${owner}). Start as that user, or remove it.`);
    }
    return;
  }
  const unfinished = `${dataDir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(dataDir), { recursive: true, mode: 0o700 });
  mkdirSync(unfinished, { mode: 0o700 });
  if (account.owner !== undefined) chownSync(unfinished, account.owner.uid, account.owner.gid);
  await runInitdb(options, unfinished);
  renameSync(unfinished, dataDir);
}

async function runInitdb(options: ClusterOptions, folder: string): Promise<void> {
  const secrets = mkdtempSync(join(tmpdir(), 'parley-initdb-'));
  try {
    const passwordFile = join(secrets, 'password');
    writeFileSync(passwordFile, options.password, { mode: 0o600 });
    const { command, args } = options.account.wrap(options.initdb, [
      `--pgdata=${folder}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
    ]);
    // It may not be able to read the folder we are in.
    await runCommand(command, args, { cwd: '/', signal: options.signal });
  } catch (error) {
    if (error instanceof CommandError) throw new Error(`initdb failed:\n${error.output}`, { cause: error });
    throw error;
  } finally {
    rmSync(secrets, { recursive: true, force: true });
  }
}
