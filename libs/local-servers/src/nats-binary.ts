import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, runCommand } from './command.ts';

/** The first version with the JetStream interface that today's clients speak. */
const NEEDED = [2, 9] as const;

/**
 * Finds a nats-server of version 2.9 or later: on PATH, else in `binDir`, else Debian's package, unpacked into
 * `binDir`. Nothing is installed system-wide and no rights are needed.
 * @throws Error, one line that says what to type, when none can be had
 */
export async function findNatsServer(binDir: string, signal?: AbortSignal): Promise<string> {
  const folder = resolve(binDir);
  const unpacked = join(folder, 'nats-server');
  for (const candidate of ['nats-server', unpacked]) {
    if (await isUsable(candidate)) return candidate;
  }
  const problem = await unpackDebianPackage(folder, signal);
  if (problem === undefined && (await isUsable(unpacked))) return unpacked;
  const why = problem ?? 'the package of this system is too old';
  const type =
    process.platform === 'darwin' ? 'brew install nats-server' : 'sudo apt-get install nats-server';
  throw new Error(
    `There is no nats-server ${NEEDED.join('.')} or later here (${why}). Type "${type}", or set NATS_URL to a server of your own.`,
  );
}

async function isUsable(command: string): Promise<boolean> {
  try {
    const [, major, minor] = /v(\d+)\.(\d+)/.exec(await runCommand(command, ['--version'])) ?? [];
    return Number(major) > NEEDED[0] || (Number(major) === NEEDED[0] && Number(minor) >= NEEDED[1]);
  } catch {
    return false;
  }
}

/** Gives undefined, or why it did not work. */
async function unpackDebianPackage(folder: string, signal?: AbortSignal): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'looked for it on PATH';
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb'))
    return 'this system has no apt-get';
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, 'download-'));
  try {
    const download = join(scratch, 'deb');
    mkdirSync(download);
    await downloadPackage(download, join(scratch, 'apt'), signal);
    const file = readdirSync(download).find((name) => name.endsWith('.deb'));
    if (file === undefined) return 'apt-get downloaded nothing';
    await runCommand('dpkg-deb', ['-x', join(download, file), join(scratch, 'root')], { signal });
    // In one step, as another run may be doing the same.
    renameSync(join(scratch, 'root', 'usr', 'sbin', 'nats-server'), join(folder, 'nats-server'));
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const lines = error.output.split('\n').filter((line) => line.startsWith('E:'));
    return `apt-get: ${lines.at(-1) ?? error.message}`;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function downloadPackage(into: string, aptFolder: string, signal?: AbortSignal): Promise<void> {
  const run = (args: string[]): Promise<string> =>
    runCommand('apt-get', ['-q', '-o', 'APT::Sandbox::User=', ...args], { cwd: into, signal });
  try {
    await run(['download', 'nats-server']);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // The system's package lists are missing or older than its mirror. Fetch our own: that takes no rights.
    const ownFolders = ['-o', `Dir::State::Lists=${aptFolder}/lists`, '-o', `Dir::Cache=${aptFolder}/cache`];
    for (const folder of ['lists/partial', 'cache/archives/partial']) {
      mkdirSync(join(aptFolder, folder), { recursive: true });
    }
    await run([...ownFolders, 'update']);
    await run([...ownFolders, 'download', 'nats-server']);
  }
}
