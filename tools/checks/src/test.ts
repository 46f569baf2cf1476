import { spawn } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServers } from '@parley/testing';

/**
 * `npm test`: every check of the project. Starts one Postgres and one NATS for all specs, lets Nx run what its cache
 * does not hold, and ends with the line "N passed, N failed, N skipped". Further arguments go to Nx, such as
 * --skip-nx-cache, or -p @parley/session for one project.
 */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SUMMARY = join(ROOT, 'test-summary.txt');
const TARGETS = 'format,lint,breaking,typecheck,test';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    abort.abort();
  });
}

const begun = Date.now();
for (const file of [SUMMARY, ...resultFiles()]) rmSync(file, { force: true });
console.log('Starting Postgres and NATS for the tests');
const servers = await startTestServers();
const code = await runNx(servers.env).finally(servers.stop);
const summary = summarise(code);
writeFileSync(SUMMARY, `${summary}\n`);
console.log(`\n${Math.round((Date.now() - begun) / 1_000)} s`);
console.log(summary);
process.exitCode = code;

function runNx(env: Record<string, string>): Promise<number> {
  const args = [
    join(ROOT, 'node_modules/nx/dist/bin/nx.js'),
    'run-many',
    '-t',
    TARGETS,
    ...process.argv.slice(2),
  ];
  return new Promise((resolve, reject) => {
    const nx = spawn(process.execPath, args, {
      cwd: ROOT,
      // Without its daemon Nx leaves nothing running.
      env: { ...process.env, ...env, NX_DAEMON: 'false', NX_TUI: 'false' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    abort.signal.addEventListener('abort', () => nx.kill());
    nx.on('error', reject);
    nx.on('exit', (status) => resolve(status ?? 1));
  });
}

/** What each project's tests leave behind (tools/jest/count-reporter.mjs). */
function resultFiles(): string[] {
  return globSync('{apps,libs,tools}/*/test-results.json', { cwd: ROOT }).map((file) => join(ROOT, file));
}

/** Adds up what each project's tests left, now or when the cached run took place. */
function summarise(status: number): string {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const file of resultFiles()) {
    const counts = JSON.parse(readFileSync(file, 'utf8')) as typeof total;
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  // A check that is not a test failed: lint, types, format, buf.
  if (status !== 0 && total.failed === 0) total.failed = 1;
  return `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`;
}
