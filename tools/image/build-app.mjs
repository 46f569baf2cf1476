// Makes a folder that holds one app and all it needs to run, and nothing else: the build of the app, those of our
// libraries it uses, and their production packages in the locked versions. The Dockerfile calls it; it runs anywhere.
//
//   node tools/image/build-app.mjs <app> <new folder> [--built]      --built: Nx has built the app already
//
// Then: cd <new folder>/apps/<app>; node dist/migrate.js; node dist/main.js
//
// The app may also be `certs`, which makes the certificates of the others: node <new folder>/tools/certs/src/certs.ts
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is read at run time besides a build. */
const RUNTIME_FILES = {
  'apps/gateway': ['openapi.yaml'],
  'libs/contracts': ['descriptors.binpb'],
};

/** Run from their sources: there is nothing to build. */
const TOOLS = ['certs'];

const { values, positionals } = parseArgs({
  options: { built: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [app, folder] = positionals;
const apps = readdirSync(join(ROOT, 'apps')).filter((name) =>
  existsSync(join(ROOT, 'apps', name, 'src', 'main.ts')),
);
if (![...apps, ...TOOLS].includes(app))
  fail(`The app (build argument APP) must be one of ${[...apps, ...TOOLS].join(', ')}.`);
if (folder === undefined) fail('Which folder?');
const out = resolve(folder);
if (existsSync(out)) fail(`${out} exists already.`);

if (apps.includes(app)) {
  if (!values.built) build(app);
  if (!existsSync(join(ROOT, 'apps', app, 'dist', 'main.js'))) fail(`${app} is not built.`);
}
const projects = projectsOf(apps.includes(app) ? `apps/${app}` : `tools/${app}`);
writeManifests(projects);
installPackages();
for (const project of projects) copyProject(project);
cpSync(join(ROOT, 'tools', 'image', 'health.mjs'), join(out, 'health.mjs'));

function build(app) {
  const nx = join(ROOT, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  // Without its daemon Nx leaves nothing running.
  run(process.execPath, [nx, 'build', `@parley/${app}`, '--outputStyle=static'], ROOT, {
    NX_DAEMON: 'false',
    NX_TUI: 'false',
  });
}

/** The folders of an app and of our libraries it needs to run, directly or through another one. */
function projectsOf(appFolder) {
  const libraries = new Map(
    readdirSync(join(ROOT, 'libs')).map((name) => [
      readJson(join(ROOT, 'libs', name, 'package.json')).name,
      `libs/${name}`,
    ]),
  );
  const found = new Set([appFolder]);
  // A set also visits what is added on the way.
  for (const project of found) {
    const { dependencies = {} } = readJson(join(ROOT, project, 'package.json'));
    for (const name of Object.keys(dependencies)) if (libraries.has(name)) found.add(libraries.get(name));
  }
  return [...found];
}

/**
 * A workspace of these projects only, without development dependencies: `npm install --omit=dev --workspace=…` would
 * take the testing libraries along, as they are workspaces of the root.
 */
function writeManifests(projects) {
  const root = readJson(join(ROOT, 'package.json'));
  writeJson('package.json', {
    name: root.name,
    version: root.version,
    private: true,
    license: root.license,
    type: root.type,
    workspaces: projects,
  });
  for (const project of projects) {
    const { name, version, type, engines, exports, dependencies } = readJson(
      join(ROOT, project, 'package.json'),
    );
    writeJson(`${project}/package.json`, {
      name,
      version,
      private: true,
      type,
      engines,
      exports,
      dependencies,
    });
  }
}

function installPackages() {
  for (const file of ['package-lock.json', '.npmrc']) cpSync(join(ROOT, file), join(out, file));
  // No package of ours that runs in production needs its install script.
  run(
    'npm',
    ['install', '--no-save', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'],
    out,
  );
  requireLockedVersions();
  // It lists the development packages as well; node_modules/.package-lock.json says what is here.
  for (const file of ['package-lock.json', '.npmrc']) rmSync(join(out, file));
}

/** npm takes a version it likes where it thinks the lock file does not fit the manifests. */
function requireLockedVersions() {
  const lockedOnes = packagesIn(join(out, 'package-lock.json'));
  const strange = [...packagesIn(join(out, 'node_modules', '.package-lock.json'))].filter(
    (name) => !lockedOnes.has(name),
  );
  if (strange.length > 0) fail(`Installed, but not in package-lock.json: ${strange.join(', ')}`);
}

/** name@version of each package in a lock file that is not ours. */
function packagesIn(lockFile) {
  const { packages } = readJson(lockFile);
  return new Set(
    Object.entries(packages)
      .filter(([path, { link }]) => path.includes('node_modules/') && !link)
      .map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`),
  );
}

function copyProject(project) {
  const code = project.startsWith('tools/') ? 'src' : 'dist';
  cpSync(join(ROOT, project, code), join(out, project, code), {
    recursive: true,
    // Source maps stay: they give stack traces the lines of the sources.
    filter: (source) => !/\.d\.ts(\.map)?$|\.tsbuildinfo$|\/dist\/spec$|\.spec\.ts$/.test(source),
  });
  for (const file of RUNTIME_FILES[project] ?? [])
    cpSync(join(ROOT, project, file), join(out, project, file));
}

function run(command, args, cwd, env = {}) {
  // Inside an Nx task (a test), its variables would make this a part of that task.
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('NX_') && name !== 'NODE_OPTIONS',
  );
  const { status, error } = spawnSync(command, args, {
    cwd,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) fail(`${command} ${args[0]} failed${error ? `: ${error.message}` : ''}`);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function writeJson(file, content) {
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), `${JSON.stringify(content, undefined, 2)}\n`);
}

function fail(line) {
  console.error(line);
  process.exit(1);
}
