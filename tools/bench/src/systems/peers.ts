import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@parley/local-servers';

/** What Parley is compared with is installed here, apart from the workspace. */
export const PEERS = fileURLToPath(new URL('../../peers', import.meta.url));

/** Installs the peers unless they are there in the versions asked for. Nothing of theirs runs meanwhile. */
export async function installPeers(log: (line: string) => void, signal: AbortSignal): Promise<void> {
  if (isInstalled()) return;
  log('Installing Restate and DBOS into tools/bench/peers (about 300 MB)');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await runCommand('npm', ['ci', ...flags], { cwd: PEERS, signal });
}

function isInstalled(): boolean {
  const installed = join(PEERS, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const { packages } = JSON.parse(readFileSync(installed, 'utf8')) as { packages: Packages };
  const wanted = JSON.parse(readFileSync(join(PEERS, 'package-lock.json'), 'utf8')) as { packages: Packages };
  const direct = Object.keys(wanted.packages['']?.dependencies ?? {}).map((name) => `node_modules/${name}`);
  return direct.every((path) => packages[path]?.version === wanted.packages[path]?.version);
}

type Packages = Record<string, { version: string; dependencies?: Record<string, string> }>;
