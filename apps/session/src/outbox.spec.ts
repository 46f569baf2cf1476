import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DiscardPolicy, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort, startNats, type NatsServer } from '@parley/local-servers';
import { eventually, EventProbe } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';

const COMMAND = fileURLToPath(new URL('../dist/outbox.js', import.meta.url));
const binDir = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-nats-'));

let app: SessionApp;
let nats: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let tenantId: string;

beforeAll(async () => {
  const storeDir = join(folder, 'store');
  const port = await freePort();
  [app, nats] = await Promise.all([
    SessionApp.create(),
    startNats({ storeDir, port, binDir, logFile: join(folder, 'nats.log') }),
  ]);
  await app.addReplica({ NATS_URL: nats.url });
  const base = newStart(app);
  tenantId = base.tenantId;
  await app.startAll(Array.from({ length: 20 }, () => ({ ...base, contactId: uuidv7() })));
  await app.database.query(
    `UPDATE sessions SET expires_at = created_at WHERE id IN (SELECT id FROM sessions LIMIT 5)`,
  );
  await eventually(async () => {
    const sent = await app.database.query('SELECT FROM outbox WHERE published_at IS NOT NULL');
    expect(sent).toHaveLength(25);
  });
  connection = await connect({ servers: nats.url });
  manager = await jetstreamManager(connection);
});
afterAll(async () => {
  await connection.close();
  await app.close();
  await nats.stop();
  rmSync(folder, { recursive: true });
});

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command as it is shipped, in a process of its own. */
function run(args: string[], settings: Record<string, string> = {}): Promise<Run> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: app.database.url,
    NATS_URL: nats.url,
    ...settings,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

async function storedIds(): Promise<string[]> {
  const { state } = await manager.streams.info('PARLEY_SESSION');
  const probe = await EventProbe.open('PARLEY_SESSION', undefined, nats.url);
  await eventually(() => expect(probe.events).toHaveLength(state.messages));
  await probe.close();
  return probe.events.map(({ id }) => id);
}

describe('the outbox command', () => {
  it('shows what is kept by subject, and how long the oldest waits', async () => {
    const { code, stdout } = await run(['status', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      waiting: 0,
      oldest_waiting_seconds: null,
      kept: [
        { subject: 'session.expired', events: 5 },
        { subject: 'session.started', events: 20 },
      ],
    });
  });

  it('rebuilds a lost stream, and a consumer that knows the ids sees nothing new (P6)', async () => {
    const before = await storedIds();
    expect(before).toHaveLength(25);
    await manager.streams.delete('PARLEY_SESSION');
    expect(await run(['replay', '--since', '1h'])).toMatchObject({
      code: 0,
      stdout: 'Done: 25 events sent; the stream stored 25 of them and dropped 0 it had just got.\n',
    });
    const after = await storedIds();
    expect(new Set(after)).toEqual(new Set(before));
    expect(after).toHaveLength(25);
    const again = await run(['replay', '--since', '1h', '--subject', 'session.expired', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ finished: true, stored: 0, duplicates: 5 });
  });

  it('counts without NATS and sends nothing in a dry run', async () => {
    const nowhere = { NATS_URL: '' };
    const args = ['replay', '--since', '2h', '--tenant', tenantId, '--dry-run', '--json'];
    expect(JSON.parse((await run(args, nowhere)).stdout)).toMatchObject({
      would_send: 25,
      by_subject: { 'session.expired': 5, 'session.started': 20 },
    });
    const late = ['replay', '--since', '2h', '--until', '1h', '--dry-run', '--json'];
    expect(JSON.parse((await run(late, nowhere)).stdout)).toMatchObject({ would_send: 0 });
  });

  it.each([
    ['replay', '--since', '1h', '--subject', 'session.expird'],
    ['replay', '--since', '1h', '--subject', 'session.expird', '--dry-run'],
  ])('says that nothing is like what was asked for: %j', async (...args) => {
    const { code, stderr } = await run(args);
    expect({ code, said: stderr.trim().split('\n').at(-1) }).toEqual({
      code: 0,
      said: 'No kept event is like that; "status" shows the names and times of those there are.',
    });
  });

  it('stops at a full stream with how to go on', async () => {
    await manager.streams.delete('PARLEY_SESSION');
    await manager.streams.add({
      name: 'PARLEY_SESSION',
      subjects: ['session.>'],
      max_bytes: 10,
      discard: DiscardPolicy.New,
    });
    const { code, stdout, stderr } = await run(['replay', '--since', '1h']);
    expect(code).toBe(1);
    expect(stdout).toContain('Stopped: 0 events sent');
    expect(stderr).toContain('The stream is full and refuses new events (maximum bytes exceeded).');
    expect(stderr).toMatch(/To go on: replay --since \d{4}-\S+Z --after \d+\n/);
    await manager.streams.update('PARLEY_SESSION', { max_bytes: -1 });
    const rest = /replay (--since \S+ --after \d+)/.exec(stderr)![1]!.split(' ');
    expect((await run(['replay', ...rest])).stdout).toContain('Done: 25 events sent');
  });

  it.each([
    [['replay'], 'replay needs --since'],
    [['replay', '--since', '1m', '--until', '1h'], '--until is not later than --since'],
    [['replay', '--since', 'yesterday'], '--since takes a time with its zone'],
    [['replay', '--since', '2026-11-23T10:00:00'], '--since takes a time with its zone'],
    [['replay', '--since', '1h', '--subject', 'flow.published'], '--subject takes the name of an event'],
    [['replay', '--since', '1h', '--tenant', 'acme'], '--tenant takes the id of a tenant, a UUID.'],
    [['replay', '--after', '-5'], '--after'],
    [['replay', '--after', '1000000'], '--after 1000000 is behind the last event kept, at position '],
    [['status', '--since', '1h'], 'status takes no options but --json.'],
    [['rebuild'], 'There is no command rebuild. Try --help.'],
  ])('says what is wrong with %j', async (args, line) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(line);
    expect(stderr).not.toContain('    at ');
  });

  it('ends with the reason when NATS or the database is not there', async () => {
    const port = await freePort();
    const noDatabase = await run(['status'], { DATABASE_URL: `postgres://127.0.0.1:${port}/none` });
    expect(noDatabase.code).toBe(1);
    expect(noDatabase.stderr).toContain(String(port));
    const child = spawn(process.execPath, [COMMAND, '--help'], { stdio: 'ignore' });
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  });
});
