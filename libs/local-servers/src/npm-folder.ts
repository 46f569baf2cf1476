import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** A folder apart from the workspace, with a package.json and a package-lock.json of its own. */
export interface NpmFolder {
  path: string;
  /** What is said before an installation. */
  announcement: string;
}

/** Installs a folder's packages unless they are there in the versions asked for. Nothing of theirs runs meanwhile. */
export async function installNpmFolder(
  { path, announcement }: NpmFolder,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (isInstalled(path)) return;
  log(announcement);
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await runCommand('npm', ['ci', ...flags], { cwd: path, signal });
}

function isInstalled(path: string): boolean {
  const lockFile = join(path, 'node_modules', '.package-lock.json');
  if (!existsSync(lockFile)) return false;
  const installed = packagesIn(lockFile);
  const wanted = packagesIn(join(path, 'package-lock.json'));
  const direct = Object.keys(wanted['']?.dependencies ?? {}).map((name) => `node_modules/${name}`);
  return direct.every((name) => installed[name]?.version === wanted[name]?.version);
}

type Packages = Record<string, { version: string; dependencies?: Record<string, string> }>;

function packagesIn(lockFile: string): Packages {
  return (JSON.parse(readFileSync(lockFile, 'utf8')) as { packages: Packages }).packages;
}
