import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError, runCommand } from '@parley/local-servers';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const PROJECTS = ['gateway', 'contact', 'flow-catalog', 'session', 'channel']
  .map((app) => `@parley/${app}`)
  .join(',');

/**
 * Builds the services; Nx skips what has not changed.
 * @throws Error with the build's output
 */
export async function buildServices(): Promise<void> {
  const nx = join(ROOT, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  try {
    await runCommand(process.execPath, [nx, 'run-many', '--target=build', `--projects=${PROJECTS}`], {
      cwd: ROOT,
      // No daemon: it would outlive us.
      env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
    });
  } catch (error) {
    if (error instanceof CommandError)
      throw new Error(`The build failed:\n${error.output}`, { cause: error });
    throw error;
  }
}
