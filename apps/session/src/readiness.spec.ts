import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, makeGenericClientConstructor, type Client } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { StartResult } from '@parley/contracts/session';
import { freePort, startNats, type NatsServer } from '@parley/local-servers';
import { eventually } from '@parley/testing';
import { service as healthService } from 'grpc-health-check';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';

const HealthClient = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health');
const SERVICE = 'parley.session.v1.SessionService';
const binDir = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-nats-'));

let app: SessionApp;
let nats: NatsServer;
let port: number;
let health: Client & {
  check(request: { service: string }, done: (error: Error | null, answer: { status: string }) => void): void;
};

const start = (): Promise<NatsServer> =>
  startNats({ storeDir: join(folder, 'store'), port, binDir, logFile: join(folder, 'nats.log') });

beforeAll(async () => {
  port = await freePort();
  [app, nats] = await Promise.all([SessionApp.create(), start()]);
  const { address } = await app.addReplica({
    NATS_URL: nats.url,
    READY_MAX_EVENT_AGE_SECONDS: '1',
    READY_MAX_EXPIRY_LAG_SECONDS: '1',
    EXPIRER: 'false',
  });
  health = new HealthClient(address, credentials.createInsecure()) as unknown as typeof health;
});
afterAll(async () => {
  health.close();
  await app.close();
  await nats.stop();
  rmSync(folder, { recursive: true });
});

const check = (name: string): Promise<string> =>
  new Promise((resolve, reject) => {
    health.check({ service: name }, (error, answer) => (error ? reject(error) : resolve(answer.status)));
  });
const eventuallySays = (name: string, status: string): Promise<void> =>
  eventually(async () => expect(await check(name)).toBe(status));

it('NATS away: "events" turns, the service stays in the balance and starts sessions; back again, it returns (P6)', async () => {
  await eventuallySays('events', 'SERVING');
  await nats.kill();
  const request = newStart(app);
  await app.start(request);
  await eventuallySays('events', 'NOT_SERVING');
  expect([await check(''), await check(SERVICE), await check('expiry')]).toEqual(Array(3).fill('SERVING'));
  expect(await app.start({ ...request, contactId: uuidv7() })).toMatchObject({ result: StartResult.STARTED });
  nats = await start();
  await eventuallySays('events', 'SERVING');
});

it('nobody sweeps: "expiry" turns, and returns when one does (P5)', async () => {
  await eventuallySays('expiry', 'SERVING');
  const { sessionId } = await app.start(newStart(app));
  await app.setExpiry(sessionId, '-2 seconds');
  await eventuallySays('expiry', 'NOT_SERVING');
  expect(await check('')).toBe('SERVING');
  await app.addReplica({ NATS_URL: nats.url });
  await eventuallySays('expiry', 'SERVING');
});
