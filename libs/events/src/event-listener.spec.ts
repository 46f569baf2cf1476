import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { freePort, startNats, type NatsServer } from '@parley/local-servers';
import { Logger } from '@parley/service';
import { eventually } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { toCloudEvent, type OutgoingEvent, type ReceivedEvent } from './event.ts';
import { EventListener } from './event-listener.ts';

const binDir = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));
const logger = new Logger('events', 'silent');

let folder: string;
let port: number;
let nats: NatsServer | undefined;
const listeners: EventListener[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-listener-'));
  port = await freePort();
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.close();
  await nats?.stop();
  rmSync(folder, { recursive: true });
});

const start = async (): Promise<NatsServer> => {
  const logFile = join(folder, 'nats.log');
  return (nats = await startNats({ storeDir: join(folder, 'store'), port, binDir, logFile }));
};

function listen(): { heard: ReceivedEvent[]; listener: EventListener } {
  const heard: ReceivedEvent[] = [];
  const listener = new EventListener({
    url: `nats://127.0.0.1:${port}`,
    name: '/parley/spec',
    subjects: ['flow.published', 'flow.unpublished'],
    onEvent: (event) => heard.push(event),
    logger,
  });
  listeners.push(listener);
  return { heard, listener };
}

const event = (type: string): OutgoingEvent => ({
  id: uuidv7(),
  tenantId: uuidv7(),
  type,
  subject: uuidv7(),
  sequence: 3,
  time: new Date(),
  data: JSON.stringify({ flow_version: 2 }),
});

async function say(...messages: [subject: string, body: string][]): Promise<void> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  for (const [subject, body] of messages) connection.publish(subject, body);
  await connection.drain();
}

it('every listener hears every event of its subjects, whether it or NATS was there first', async () => {
  const early = listen();
  expect(early.listener.listening).toBe(false);
  await start();
  const late = listen();
  await eventually(() =>
    expect([early, late].map(({ listener }) => listener.listening)).toEqual([true, true]),
  );

  const sent = [event('flow.published'), event('flow.unpublished')];
  const other = event('flow.renamed');
  await say(
    ...[...sent, other].map((one): [string, string] => [one.type, toCloudEvent('/parley/spec', one)]),
  );
  for (const { heard } of [early, late]) {
    await eventually(() => expect(heard).toHaveLength(2));
    expect(heard).toEqual(
      sent.map(({ id, tenantId, type, subject, sequence, time, data }) => ({
        ...{ id, tenantId, type, subject, sequence, time },
        data: JSON.parse(data) as unknown,
      })),
    );
  }
});

it('what is no event is passed over', async () => {
  await start();
  const { heard, listener } = listen();
  await eventually(() => expect(listener.listening).toBe(true));
  const good = event('flow.published');
  const text = toCloudEvent('/parley/spec', good);
  const lacking = ['id', 'tenantid', 'type', 'subject', 'sequence', 'time', 'data'].map((name) =>
    JSON.stringify({ ...(JSON.parse(text) as object), [name]: undefined }),
  );
  const bodies = ['', '{', 'null', '[]', '1', '{}', text.slice(1), ...lacking, text];
  await say(...bodies.map((body): [string, string] => ['flow.published', body]));
  await eventually(() => expect(heard.map(({ id }) => id)).toEqual([good.id]));
});

it('a listener hears again after NATS was killed and came back', async () => {
  const server = await start();
  const { heard, listener } = listen();
  await eventually(() => expect(listener.listening).toBe(true));
  await server.kill();
  await eventually(() => expect(listener.listening).toBe(false));
  await start();
  await eventually(() => expect(listener.listening).toBe(true));
  const sent = event('flow.published');
  await say([sent.type, toCloudEvent('/parley/spec', sent)]);
  await eventually(() => expect(heard.map(({ id }) => id)).toEqual([sent.id]));
});

it('is not listening before NATS has answered what came after its subscriptions', async () => {
  // Speaks as NATS does, and answers when it is told to.
  const answers: (() => void)[] = [];
  let received = '';
  const server = createServer((socket) => {
    socket.write(`INFO {"server_id":"spec","version":"2.10.0","headers":true,"max_payload":1048576}\r\n`);
    socket.on('data', (bytes) => {
      received += bytes.toString();
      if (bytes.includes('PING\r\n')) answers.push(() => socket.write('PONG\r\n'));
    });
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const { listener } = listen();
  // Of the connection; then of what has been subscribed.
  await eventually(() => expect(answers).toHaveLength(1));
  answers[0]!();
  await eventually(() => expect(answers).toHaveLength(2));
  expect(received.match(/SUB flow\.\w+/g)).toEqual(['SUB flow.published', 'SUB flow.unpublished']);
  expect(received.indexOf('SUB flow.unpublished')).toBeLessThan(received.lastIndexOf('PING'));
  expect(listener.listening).toBe(false);
  answers[1]!();
  await eventually(() => expect(listener.listening).toBe(true));
  listener.close();
  server.close();
});
