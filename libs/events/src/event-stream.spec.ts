import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Logger } from '@parley/service';
import { eventually, NATS_URL } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { EventStream } from './event-stream.ts';

const NAME = 'STREAM_SPEC';

let nats: NatsConnection;
let manager: JetStreamManager;
const streams: EventStream[] = [];

beforeEach(async () => {
  nats = await connect({ servers: process.env[NATS_URL]! });
  manager = await jetstreamManager(nats);
});
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await manager.streams.delete(NAME).catch(() => false);
  await nats.close();
});

async function open(subjects: string[]): Promise<EventStream> {
  const stream = new EventStream({
    url: process.env[NATS_URL]!,
    name: NAME,
    subjects,
    source: '/parley/spec',
    logger: new Logger('events', 'silent'),
  });
  streams.push(stream);
  await eventually(() => expect(stream.connected).toBe(true));
  return stream;
}

const held = async (): Promise<string[]> => (await manager.streams.info(NAME)).config.subjects;

it('a stream holds several families and single events', async () => {
  const stream = await open(['stream_spec.>', 'stream_other.asked']);
  expect(await held()).toEqual(['stream_spec.>', 'stream_other.asked']);
  for (const type of ['stream_spec.started', 'stream_other.asked']) {
    const event = { id: uuidv7(), tenantId: uuidv7(), type, subject: 'a', sequence: 1, time: new Date() };
    expect(await stream.publish({ ...event, data: '{}' })).toBe(false);
  }
  expect((await manager.streams.info(NAME)).state.messages).toBe(2);
});

it('a stream that was there gets the subjects it lacks, keeps its own, and keeps its events', async () => {
  const earlier = await open(['stream_spec.>']);
  const event = { tenantId: uuidv7(), type: 'stream_spec.started', subject: 'a', sequence: 1, data: '{}' };
  await earlier.publish({ ...event, id: uuidv7(), time: new Date() });
  await open(['stream_spec.>', 'stream_other.asked']);
  expect(await held()).toEqual(['stream_spec.>', 'stream_other.asked']);
  // An earlier version of a service beside a later one takes nothing away.
  await open(['stream_spec.>']);
  expect(await held()).toEqual(['stream_spec.>', 'stream_other.asked']);
  expect((await manager.streams.info(NAME)).state.messages).toBe(1);
});

it('what a wider subject of the stream holds already is not added', async () => {
  await manager.streams.add({ name: NAME, subjects: ['stream_spec.>', 'stream_other.*'] });
  await open(['stream_spec.started', 'stream_spec.*', 'stream_other.asked']);
  expect(await held()).toEqual(['stream_spec.>', 'stream_other.*']);
});
