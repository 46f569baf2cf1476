import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installNpmFolder } from '@parley/local-servers';

const HELP = `npm run mutation [-- options] [file …]: changes what runs flows, a little each time, and shows what no test noticed.

  file       of libs/flow-engine/src, without its ending, such as answer; default: all that run flows
  --force    tries every change again; otherwise those that a run before decided, with the same tests, are not
  --help     this

Stryker is installed into tools/checks/mutation when it is first asked for. It works on a copy in .parley/mutation, and
keeps there what it found.`;

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const STRYKER = join(ROOT, 'tools/checks/mutation');

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { force: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help) {
  console.log(HELP);
} else {
  const announcement = 'Installing Stryker into tools/checks/mutation (about 60 MB)';
  await installNpmFolder({ path: STRYKER, announcement }, console.log, abort.signal);
  process.exitCode = await runStryker();
}

function runStryker(): Promise<number> {
  const args = [
    join(STRYKER, 'node_modules/@stryker-mutator/core/bin/stryker.js'),
    'run',
    join(STRYKER, 'stryker.config.mjs'),
    ...(values.force ? ['--force'] : []),
    ...(positionals.length > 0
      ? ['--mutate', positionals.map((name) => `libs/flow-engine/src/${name}.ts`).join(',')]
      : []),
  ];
  return new Promise((resolve, reject) => {
    const stryker = spawn(process.execPath, args, {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    abort.signal.addEventListener('abort', () => stryker.kill());
    stryker.on('error', reject);
    stryker.on('exit', (status) => resolve(status ?? 1));
  });
}
