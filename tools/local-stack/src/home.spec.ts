import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { commandLineOf, startProcess } from '@parley/local-servers';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockHome } from './home-lock.ts';
import { openInstallation, saveInstallation } from './installation.ts';
import { SERVICE_NAMES } from './service-names.ts';
import { recordProcesses, stopLeftovers } from './leftovers.ts';
import { readJson } from './private-file.ts';
import { SeenIds } from './seen-ids.ts';

const folders: string[] = [];
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'parley home '));
  folders.push(home);
});

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const sleeper = (name: string) =>
  startProcess({ name, command: 'sleep', args: ['60'], logFile: join(home, `${name}.log`) });

describe('the installation', () => {
  it('has new passwords once, kept in a file only its owner can read', () => {
    const installation = openInstallation(home);
    expect(new Set(Object.values(installation.database_passwords)).size).toBe(SERVICE_NAMES.length);
    expect(statSync(join(home, 'installation.json')).mode & 0o777).toBe(0o600);
    saveInstallation(home, { ...installation, token: 'T' });
    expect(openInstallation(home)).toEqual({ ...installation, token: 'T' });
  });

  it('names its file when that is damaged', () => {
    writeFileSync(join(home, 'installation.json'), '{"postgres_pass');
    expect(() => openInstallation(home)).toThrow(`${join(home, 'installation.json')} is not JSON`);
  });
});

describe('the lock of a home', () => {
  it('refuses a home in which another process runs a stack, and takes over from a killed one', async () => {
    const other = await sleeper('other');
    writeFileSync(join(home, 'supervisor.pid'), `${other.pid}\n${commandLineOf(other.pid)}\n`);
    expect(() => lockHome(home)).toThrow(`Parley already runs in ${home} (process ${other.pid})`);
    await other.stop();
    const unlock = lockHome(home);
    unlock();
    lockHome(home)();
  });

  it('does not take a process for a stack that merely has its old id', async () => {
    const other = await sleeper('other');
    writeFileSync(join(home, 'supervisor.pid'), `${other.pid}\nnode start.ts\n`);
    lockHome(home)();
    await other.stop();
  });
});

describe('stopLeftovers', () => {
  it('stops what a killed run left and nothing else', async () => {
    const ours = await sleeper('ours');
    const stranger = await sleeper('stranger');
    recordProcesses(home, [
      { name: 'ours', stage: 'session', pid: ours.pid, marks: ['sleep', '60'] },
      { name: 'stranger', stage: 'session', pid: stranger.pid, marks: ['session/dist/main.js'] },
    ]);
    expect(await stopLeftovers(home)).toEqual(['ours']);
    expect(commandLineOf(stranger.pid)).toBe('sleep 60');
    expect(readJson(join(home, 'processes.json'))).toBeUndefined();
    await stranger.stop();
  });
});

describe('SeenIds', () => {
  it('remembers the last ids over a restart, in a file that does not grow without end', () => {
    const file = join(home, 'seen');
    const seen = new SeenIds(file, 3);
    for (let id = 1; id <= 20; id++) seen.add(String(id));
    expect(statSync(file).size).toBeLessThanOrEqual(6 * 3);
    const restarted = new SeenIds(file, 3);
    expect(['17', '18', '19', '20'].map((id) => restarted.has(id))).toEqual([false, true, true, true]);
  });
});
