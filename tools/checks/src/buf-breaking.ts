import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Compares the protos with those of the main branch: origin's where there is one, else the local one. */

const root = fileURLToPath(new URL('../../..', import.meta.url));
const base = ['origin/main', 'main'].find((ref) => commitOf(ref) !== undefined);
if (base === undefined) {
  console.error('There is no main branch to compare the protos with.');
  process.exit(1);
}
console.log(`Comparing with ${base}`);
execFileSync('buf', ['breaking', '--against', `.git#ref=${commitOf(base)}`], { cwd: root, stdio: 'inherit' });

function commitOf(ref: string): string | undefined {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--verify', '--quiet', ref], {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : undefined;
}
