import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startProcess } from '@parley/local-servers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Supervisor } from './supervisor.ts';
import type { Stage } from './supervisor.ts';

let home: string;
let supervisor: Supervisor;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'parley supervisor '));
  supervisor = new Supervisor(home);
});

afterEach(async () => {
  await supervisor.kill();
  rmSync(home, { recursive: true, force: true });
});

async function add(name: string, stage: Stage, script: string): Promise<void> {
  const args = ['-c', script];
  supervisor.add(
    stage,
    await startProcess({ name, command: 'sh', args, logFile: join(home, `${name}.log`) }),
    args,
  );
}

const halted = () => new Promise((resolve) => supervisor.halted.addEventListener('abort', resolve));

describe('Supervisor', () => {
  it('halts with the end of its log when a process ends by itself', async () => {
    await add('session', 'session', 'sleep 0.2; echo out of luck; exit 3');
    await halted();
    const { message } = supervisor.halted.reason as Error;
    expect(message).toContain('session ended unexpectedly (exit code 3).');
    expect(message).toContain('out of luck');
  });

  it('stops the last stage first, and does not take that for a crash', async () => {
    const order: string[] = [];
    for (const [name, stage] of [
      ['postgres', 'postgres'],
      ['gateway', 'gateway'],
      ['session', 'session'],
    ] as const) {
      await add(name, stage, 'exec sleep 60');
      void supervisor.get(name).exited.then(() => order.push(name));
    }
    await supervisor.stop();
    expect(order).toEqual(['gateway', 'session', 'postgres']);
    expect(supervisor.halted.aborted).toBe(false);
  });

  it('waits for the others when one of several things fails, and gives its error', async () => {
    let finished = false;
    const slow = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      finished = true;
    };
    const failing = () => Promise.reject(new Error('no luck'));
    await expect(supervisor.together(slow, failing)).rejects.toThrow('no luck');
    expect(finished).toBe(true);
  });
});
