import { join } from 'node:path';
import { CommandError, runCommand } from '@parley/local-servers';
import { REPOSITORY_ROOT } from './repository.ts';
import { SERVICE_NAMES, appOf } from './service-names.ts';

/**
 * Builds the services and what they need; Nx skips what has not changed.
 * @throws Error with the build's output
 */
export async function buildServices(log: (line: string) => void, signal?: AbortSignal): Promise<void> {
  const projects = SERVICE_NAMES.map((service) => `@parley/${appOf(service)}`).join(',');
  const nx = join(REPOSITORY_ROOT, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  try {
    await runCommand(
      process.execPath,
      [nx, 'run-many', '--target=build', `--projects=${projects}`, '--outputStyle=static'],
      {
        cwd: REPOSITORY_ROOT,
        env: buildEnvironment(),
        signal,
        onLine: (line) => {
          // Lines of what was not built anew say more than the name.
          const built = /^> nx run @parley\/([\w-]+):build\s*$/.exec(line)?.[1];
          if (built !== undefined) log(`Built ${built}`);
        },
      },
    );
  } catch (error) {
    if (error instanceof CommandError)
      throw new Error(`The build failed:\n${error.output}`, { cause: error });
    throw error;
  }
}

function buildEnvironment(): NodeJS.ProcessEnv {
  // Inside an Nx task (a test that starts a stack), its variables would make this build a part of that task.
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('NX_') && name !== 'NODE_OPTIONS',
  );
  // No daemon: it would outlive the stack.
  return { ...Object.fromEntries(own), NX_DAEMON: 'false', NX_TUI: 'false', FORCE_COLOR: '0' };
}
