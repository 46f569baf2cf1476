import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { commandLineOf, startProcess } from '@parley/local-servers';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockHome, removeLeftover } from './home-lock.ts';
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

  it('that a killed run left behind goes to one of two who want it at the same time', async () => {
    const module = JSON.stringify(new URL('./home-lock.ts', import.meta.url).href);
    const script = `
      import { lockHome } from ${module};
      process.stdout.write('ready ');
      process.stdin.once('data', (at) => {
        while (Date.now() < Number(at));
        try { lockHome(${JSON.stringify(home)}); process.stdout.write('got it'); } catch { process.stdout.write('refused'); }
      });`;
    for (let round = 0; round < 10; round++) {
      writeFileSync(join(home, 'supervisor.pid'), '1\nwhat process 1 is not\n');
      const takers = Array.from({ length: 2 }, () =>
        spawn(process.execPath, ['--input-type=module', '--eval', script], {
          stdio: ['pipe', 'pipe', 'inherit'],
          env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
        }),
      );
      const heard = async (taker: (typeof takers)[number]): Promise<string> =>
        String(await once(taker.stdout, 'data'));
      await Promise.all(takers.map(heard));
      const outcomes = takers.map(heard);
      const at = Date.now() + 20;
      for (const { stdin } of takers) stdin.write(String(at));
      expect((await Promise.all(outcomes)).sort()).toEqual(['got it', 'refused']);
      for (const taker of takers) taker.kill('SIGKILL');
    }
    expect(readdirSync(home)).toEqual(['supervisor.pid']);
  });

  it('is put back where somebody else has taken it since it was found to be left behind', () => {
    const file = join(home, 'supervisor.pid');
    writeFileSync(file, 'of the one who was faster');
    removeLeftover(file, 'left behind');
    expect(readFileSync(file, 'utf8')).toBe('of the one who was faster');
    removeLeftover(file, 'of the one who was faster');
    removeLeftover(file, 'gone already');
    expect(readdirSync(home)).toEqual([]);
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
