import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What ESLint says of a text, were it that file's. */
function lint(file: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const eslint = spawn(
      process.execPath,
      ['node_modules/eslint/bin/eslint.js', '--stdin', '--stdin-filename', file],
      {
        cwd: ROOT,
        env: { ...process.env, NODE_OPTIONS: '', NX_DAEMON: 'false' },
      },
    );
    let output = '';
    eslint.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    eslint.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    eslint.on('error', reject);
    eslint.on('exit', () => resolve(output));
    eslint.stdin.end(text);
  });
}

describe('project boundaries', () => {
  it.each([
    ['an app importing another app', 'apps/session/src/config.ts', '../../contact/src/contact.ts'],
    ['an app importing a testing library outside its tests', 'apps/session/src/config.ts', '@parley/testing'],
    ['a platform library importing an app', 'libs/grpc/src/client.ts', '../../../apps/session/src/config.ts'],
    ['a core library importing a platform one', 'libs/errors/src/index.ts', '@parley/grpc'],
    ['the flow engine importing the database', 'libs/flow-engine/src/index.ts', '@parley/postgres'],
    ['a tool importing a service', 'tools/checks/src/test.ts', '../../../apps/gateway/src/config.ts'],
    ['a tool importing a platform library', 'tools/checks/src/test.ts', '@parley/grpc'],
  ])('refuse %s', async (_what, file, imported) => {
    expect(await lint(file, `import * as wrong from '${imported}';\nconsole.log(wrong);\n`)).toContain(
      '@nx/enforce-module-boundaries',
    );
  });

  it.each(['typeorm', 'pg'])('refuse the gateway importing %s outside auth/', async (imported) => {
    const text = `import * as wrong from '${imported}';\nconsole.log(wrong);\n`;
    expect(await lint('apps/gateway/src/clients.ts', text)).toContain('no-restricted-imports');
    expect(await lint('apps/gateway/src/auth/token-store.ts', text)).not.toContain('no-restricted-imports');
  });

  it('allow a tool the flow engine', async () => {
    const text = "import { checkFlow } from '@parley/flow-engine';\nconsole.log(checkFlow);\n";
    expect(await lint('tools/flow-cli/src/main.ts', text)).not.toContain('boundaries');
  });

  it('allow an app what is meant for it', async () => {
    const text =
      "import { call } from '@parley/grpc';\nimport { DomainError } from '@parley/errors';\nconsole.log(call, DomainError);\n";
    expect(await lint('apps/session/src/config.ts', text)).not.toContain('boundaries');
  });
});
