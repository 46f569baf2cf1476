import { fileURLToPath } from 'node:url';
import { installNpmFolder } from '@parley/local-servers';

/** What Parley is compared with is installed here, apart from the workspace. */
export const PEERS = fileURLToPath(new URL('../../peers', import.meta.url));

export async function installPeers(log: (line: string) => void, signal: AbortSignal): Promise<void> {
  const announcement = 'Installing Restate and DBOS into tools/bench/peers (about 300 MB)';
  await installNpmFolder({ path: PEERS, announcement }, log, signal);
}
