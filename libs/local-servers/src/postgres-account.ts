import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

/** The account Postgres runs as, and how a command is run as it. */
export interface PostgresAccount {
  /** Whom files must belong to that Postgres uses; undefined: us, nothing to do. */
  owner: { uid: number; gid: number } | undefined;
  /** Gives the command line that runs `command` as this account. */
  wrap(command: string, args: readonly string[]): { command: string; args: string[] };
}

/**
 * Postgres refuses to run as root. For root it is run as `nobody`, or whoever a data directory already belongs to,
 * with one capability left: to pass over file permissions, as binaries and data may lie below a folder only root
 * may enter, such as root's home.
 * @throws Error for root where the system has no `setpriv` (macOS)
 */
export function postgresAccount(dataDir: string): PostgresAccount {
  if (process.getuid?.() !== 0) {
    return { owner: undefined, wrap: (command, args) => ({ command, args: [...args] }) };
  }
  if (process.platform !== 'linux') throw new Error('Postgres refuses to run as root. Use an ordinary user.');
  const owner = ownerOf(dataDir) ?? { uid: idOf('-u'), gid: idOf('-g') };
  const privileges = [
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    // Without it access(2), which Postgres asks too, does not heed the capability.
    '--securebits=+no_setuid_fixup',
  ];
  return {
    owner,
    wrap: (command, args) => ({ command: 'setpriv', args: [...privileges, '--', command, ...args] }),
  };
}

function ownerOf(folder: string): { uid: number; gid: number } | undefined {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats === undefined || stats.uid === 0 ? undefined : { uid: stats.uid, gid: stats.gid };
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }).trim());
}
