import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { findNatsServer, freePort } from '@parley/local-servers';
import { Logger } from '@parley/service';
import { eventually } from '@parley/testing';
import { EventStream } from './event-stream.ts';
import { connectToNats } from './nats-connection.ts';

const binDir = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));

it('NATS_URL may carry a user and a password, percent-encoded as in any URL', async () => {
  const storeDir = mkdtempSync(join(tmpdir(), 'parley-nats-login-'));
  const port = await freePort();
  const logFile = join(storeDir, 'nats.log');
  const args = [
    '-l',
    logFile,
    '-js',
    '-sd',
    storeDir,
    '-a',
    '127.0.0.1',
    '-p',
    String(port),
    '--user',
    'relay',
    '--pass',
    'p@ss:word',
  ];
  const nats = spawn(await findNatsServer(binDir), args, { stdio: 'ignore' });
  const stream = new EventStream({
    url: `nats://relay:p%40ss%3Aword@127.0.0.1:${port}`,
    name: 'LOGIN_SPEC',
    subjects: ['login_spec.>'],
    source: '/parley/spec',
    logger: new Logger('events', 'silent'),
  });
  // The server takes nobody else, so being connected is being let in.
  await eventually(() => expect(stream.connected).toBe(true));
  stream.close();
  const warned: string[] = [];
  const warn = ({ message }: Error): void => void warned.push(message);
  const giveUp = new AbortController();
  const refused = connectToNats(`nats://relay:wrong@127.0.0.1:${port}`, 'spec', giveUp.signal, warn);
  // After 5 s, and once, however often it is tried.
  const tries = (): number => readFileSync(logFile, 'utf8').split('authentication error').length;
  await eventually(() => expect(warned).not.toEqual([]));
  const then = tries();
  await eventually(() => expect(tries()).toBeGreaterThan(then + 2));
  expect(warned).toEqual([expect.stringMatching(/authorization/i)]);
  giveUp.abort();
  await expect(refused).rejects.toThrow();
  nats.kill();
  await new Promise((resolve) => nats.once('exit', resolve));
  rmSync(storeDir, { recursive: true });
}, 30_000);
