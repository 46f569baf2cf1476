import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { StartResult } from '@parley/contracts/session';
import { freePort, startNats, type NatsServer } from '@parley/local-servers';
import { eventually, EventProbe } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';

const binDir = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-nats-'));

let app: SessionApp;
let port: number;
let nats: NatsServer;

const start = (): Promise<NatsServer> =>
  startNats({ storeDir: join(folder, 'store'), port, binDir, logFile: join(folder, 'nats.log') });

beforeAll(async () => {
  port = await freePort();
  app = await SessionApp.create();
  // NATS has never been there.
  await app.addReplica({ NATS_URL: `nats://127.0.0.1:${port}` });
  await app.addReplica({ NATS_URL: `nats://127.0.0.1:${port}` });
});
afterAll(async () => {
  await app.close();
  await nats.stop();
  rmSync(folder, { recursive: true });
});

it('sessions start and end while NATS is away, and their events follow in order when it comes (P6)', async () => {
  const base = newStart(app);
  const ids: string[] = [];
  const startSome = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const started = await app.start({ ...base, contactId: uuidv7() }, app.clients[index % 2]);
      expect(started.result).toBe(StartResult.STARTED);
      ids.push(started.sessionId);
    }
  };

  await startSome(20);
  await app.database.query('UPDATE sessions SET expires_at = created_at WHERE id = ANY($1)', [
    ids.slice(0, 10),
  ]);
  await eventually(async () => {
    expect(await app.database.query(`SELECT 1 FROM sessions WHERE status = 'expired'`)).toHaveLength(10);
  });
  nats = await start();
  const probe = await EventProbe.open('PARLEY_SESSION', base.tenantId, nats.url);
  await probe.waitFor('session.started', 20);
  await probe.waitFor('session.expired', 10);

  // Away once more, without warning, and back.
  await probe.close();
  await nats.kill();
  await startSome(20);
  nats = await start();
  const again = await EventProbe.open('PARLEY_SESSION', base.tenantId, nats.url);
  await again.waitFor('session.started', 40);
  for (const id of ids) {
    const sequences = again.of(id).map((event) => event.sequence);
    expect(sequences).toEqual(ids.indexOf(id) < 10 ? [1, 2] : [1]);
  }
  await again.close();
});

it('the stream is made again when it was deleted, and nothing is marked as sent before it is stored (P6)', async () => {
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.delete('PARLEY_SESSION');
  const request = newStart(app);
  const { sessionId } = await app.start(request);
  const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId, nats.url);
  await probe.waitFor('session.started');
  expect(probe.of(sessionId)).toHaveLength(1);
  await probe.close();
  await connection.close();
});
