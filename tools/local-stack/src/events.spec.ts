import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { startNats, startProcess, type NatsServer, type StartedProcess } from '@parley/local-servers';
import { eventually } from '@parley/testing';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAX_DELIVERIES } from './event-consumer.ts';
import { connectNats } from './nats-connection.ts';
import { REPOSITORY_ROOT } from './repository.ts';
import { openSessionEvents, SESSION_STREAM } from './session-stream.ts';

const EVENTS = fileURLToPath(new URL('events.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-events-'));
const shownFile = join(folder, 'shown.log');

let nats: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let producer: JetStreamClient;
let consumer: StartedProcess | undefined;

beforeAll(async () => {
  nats = await startNats({
    storeDir: join(folder, 'nats'),
    binDir: join(REPOSITORY_ROOT, '.parley', 'nats-server'),
    logFile: join(folder, 'nats.log'),
  });
  connection = await connectNats(nats.url);
  manager = await jetstreamManager(connection);
  producer = jetstream(connection);
  await manager.streams.add({ name: SESSION_STREAM, subjects: ['session.>'] });
});
afterEach(async () => {
  await consumer?.stop();
  rmSync(shownFile, { force: true });
});
afterAll(async () => {
  await connection.close();
  await nats.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts `npm run events --json`, as a durable consumer. */
async function consume(durable: string): Promise<StartedProcess> {
  consumer = await startProcess({
    name: 'events',
    command: process.execPath,
    args: [EVENTS, '--json', '--durable', durable],
    env: { ...process.env, NODE_OPTIONS: '', NATS_URL: nats.url, PARLEY_HOME: folder },
    logFile: shownFile,
  });
  return consumer;
}
/** Publishes events; gives their ids and how long the slowest publish took, in milliseconds. */
async function publish(count: number): Promise<{ ids: string[]; slowest: number }> {
  const ids = Array.from({ length: count }, () => randomUUID());
  let slowest = 0;
  for (const id of ids) {
    const begun = performance.now();
    await producer.publish('session.started', JSON.stringify({ id, type: 'session.started', sequence: 1 }), {
      msgID: id,
    });
    slowest = Math.max(slowest, performance.now() - begun);
  }
  return { ids, slowest };
}
const shown = (): string[] => {
  const lines = existsSync(shownFile) ? readFileSync(shownFile, 'utf8').split('\n') : [];
  return lines.filter((line) => line.startsWith('{')).map((line) => (JSON.parse(line) as { id: string }).id);
};
const settled = async (durable: string): Promise<void> => {
  await eventually(async () => {
    const { num_pending, num_ack_pending } = await manager.consumers.info(SESSION_STREAM, durable);
    expect({ num_pending, num_ack_pending }).toEqual({ num_pending: 0, num_ack_pending: 0 });
  });
};

it('a consumer that is down or stands still holds up no producer, and catches up with each event once (P6, fault 23)', async () => {
  const durable = 'slow';
  const running = await consume(durable);
  const first = await publish(50);
  await eventually(() => expect(shown()).toEqual(first.ids));

  // It stands still, its connection open.
  process.kill(running.pid, 'SIGSTOP');
  const second = await publish(500);
  process.kill(running.pid, 'SIGCONT');
  await eventually(() => expect(shown()).toHaveLength(550));
  // What it has shown and not acknowledged would come again, 30 s later.
  await settled(durable);

  // It is away without a word.
  await running.kill();
  const third = await publish(500);
  expect(Math.max(first.slowest, second.slowest, third.slowest)).toBeLessThan(1_000);
  await consume(durable);
  await settled(durable);
  expect(shown().toSorted()).toEqual([...first.ids, ...second.ids, ...third.ids].toSorted());
});

it('a poisonous message is passed over once and for all, and those after it are shown (fault 23)', async () => {
  const durable = 'poisoned';
  await consume(durable);
  const before = await publish(3);
  await producer.publish('session.started', 'poison');
  await producer.publish('session.started', '{"id":7}');
  const after = await publish(3);
  await settled(durable);
  expect(shown().slice(-6)).toEqual([...before.ids, ...after.ids]);
  expect((await manager.consumers.info(SESSION_STREAM, durable)).num_redelivered).toBe(0);
});

it('a message that nobody manages to work on is delivered a bounded number of times (fault 23)', async () => {
  // As an earlier release made it.
  const durable = 'crashing';
  await manager.consumers.add(SESSION_STREAM, {
    durable_name: durable,
    ack_policy: 'explicit',
    deliver_policy: 'new',
  });
  const events = await openSessionEvents(connection, { name: durable, from: 'new' }, () => undefined);
  await publish(1);
  let deliveries = 0;
  for (;;) {
    const message = await events.next({ expires: 1_000 });
    if (message === null) break;
    deliveries += 1;
    if (deliveries > MAX_DELIVERIES * 2) break;
    message.nak();
  }
  expect(deliveries).toBe(MAX_DELIVERIES);
  await publish(1);
  expect((await events.next({ expires: 1_000 }))?.info.deliveryCount).toBe(1);
});
