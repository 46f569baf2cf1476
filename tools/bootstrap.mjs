// Runs a script of this repository on the Node version it is pinned to, after installing the npm packages if they
// are not installed yet. It starts before anything is installed: so plain JavaScript, Node's own modules, Node 20.
//
//   node tools/bootstrap.mjs <script.ts> [arguments]        a script, by its path from the root of the repository
//   node tools/bootstrap.mjs --run <program> [arguments]    a program of node_modules/.bin
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');
const bin = join(root, 'node_modules', '.bin');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

let child;
let interruptedBy;
const interrupt = (signal) => {
  interruptedBy = signal;
  child?.kill(signal);
};
for (const signal of SIGNALS) process.on(signal, () => interrupt(signal));

// npm passes a SIGTERM on only to the shell between it and us, and that may end without a word to us.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    interrupt('SIGTERM');
  }, 250);
  watch.unref();
}

await main(process.argv.slice(2));

async function main(args) {
  if (Number.parseInt(process.versions.node, 10) < 20) {
    return fail(`Parley needs Node 20 or later; this is ${process.version}.`);
  }
  const [first, ...rest] = args;
  if (first === undefined)
    return fail('Usage: node tools/bootstrap.mjs <script.ts> | --run <program> [arguments]');

  if (!packagesAreInstalled()) await installPackages();
  const node = join(bin, 'node');
  if (!existsSync(node)) {
    return fail(
      'npm did not install Node 26 (package "node"): its install script did not run. Type: npm rebuild node',
    );
  }
  const program = first === '--run' ? join(bin, rest.shift() ?? '') : resolve(root, first);
  if (!existsSync(program)) return fail(`There is no ${program}`);
  const path = [bin, process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path };
  exitLike(await (first === '--run' ? run(program, rest, env) : run(node, [program, ...rest], env)));
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes node_modules/.package-lock.json, as the last
 * step of an installation, with what it installed.
 */
function packagesAreInstalled() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages('node_modules/.package-lock.json');
  if (installed === undefined || !existsSync(join(bin, 'node'))) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const found = installed[path];
    // Optional ones are left out on the platforms they are not for.
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function installPackages() {
  console.log('Installing npm packages (about a minute) …');
  const began = Date.now();
  // npm must not run on the Node it is about to remove, which npm scripts have first on their PATH.
  const path = process.env.PATH.split(delimiter).filter(
    (folder) => !folder.startsWith(join(root, 'node_modules')),
  );
  const env = { ...process.env, PATH: path.join(delimiter) };
  // Not `npm ci`: that refuses a lock file without the optional packages of every platform, and npm leaves out of a
  // lock file those that the registry it was made with did not have. The versions are the locked ones all the same.
  const flags = ['--no-save', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund'];
  const result = await run('npm', ['install', ...flags], env);
  if (result.code !== 0) {
    console.error('npm install failed: see above.');
    exitLike(result);
  }
  console.log(`Installed npm packages in ${Math.round((Date.now() - began) / 1000)} s`);
}

/** Runs a command to its end, with our terminal. Signals to us are passed on to it, and we wait for it. */
function run(command, args, env) {
  if (interruptedBy !== undefined) exitLike({ code: null, signal: interruptedBy });
  return new Promise((done) => {
    child = spawn(command, args, { cwd: root, env, stdio: 'inherit' });
    child.once('error', (error) => fail(`${command} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      child = undefined;
      done({ code, signal });
    });
  });
}

function exitLike({ code, signal }) {
  process.exit(code ?? 128 + constants.signals[signal]);
}

function fail(line) {
  console.error(line);
  process.exit(1);
}
