import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNats, startPostgres } from '@parley/local-servers';

/** Where a spec finds the servers: set by globalSetup, or by `npm test` for all projects at once. */
export const POSTGRES_URL = 'PARLEY_TEST_POSTGRES_URL';
export const NATS_URL = 'PARLEY_TEST_NATS_URL';

/** A nats-server that had to be fetched is kept here, beside npm start's. */
const NATS_BIN_DIR = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));

/** Nothing in a test outlives the machine, so nothing needs to reach the disk. */
const FAST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '400',
};

/** Starts a Postgres and a NATS of the tests' own, on free ports, in a temporary folder that goes with them. */
export async function startTestServers(): Promise<{
  env: Record<string, string>;
  stop: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
  const [postgres, nats] = await Promise.all([
    startPostgres({
      dataDir: join(folder, 'postgres'),
      password: 'test',
      logFile: join(folder, 'postgres.log'),
      settings: FAST_SETTINGS,
    }),
    startNats({ storeDir: join(folder, 'nats'), binDir: NATS_BIN_DIR, logFile: join(folder, 'nats.log') }),
  ]);
  return {
    env: { [POSTGRES_URL]: postgres.url, [NATS_URL]: nats.url },
    stop: async () => {
      await Promise.all([postgres.stop(), nats.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
