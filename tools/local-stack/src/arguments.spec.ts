import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from '@jest/globals';

// Nothing runs there.
const HOME = mkdtempSync(join(tmpdir(), 'parley-arguments-'));
afterAll(() => rmSync(HOME, { recursive: true, force: true }));

/** Types `npm run <name> -- …`. */
function type(name: string, ...args: string[]): Promise<{ code: unknown; output: string }> {
  const program = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const env = { PATH: process.env['PATH'], PARLEY_HOME: HOME };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}

it.each([
  ['start', 'npm start'],
  ['migrate', 'npm run migrate'],
])('%s refuses an argument it does not know, and starts nothing', async (name, command) => {
  const { code, output } = await type(name, '--port', '8080');
  expect({ code, output }).toMatchObject({
    code: 1,
    output: expect.stringMatching(`^--port: ${command} takes no arguments.*Try --help\\.\n$`) as unknown,
  });
  expect(readdirSync(HOME)).toEqual([]);
});

it.each([
  ['start', 'GATEWAY_PORT'],
  ['migrate', 'DATABASE_URL_SESSION'],
  ['token', 'create'],
  ['outbox', '--service'],
])('%s --help helps where no stack runs', async (name, word) => {
  const { code, output } = await type(name, '--help');
  expect(code).toBe(0);
  expect(output).toContain(word);
});
