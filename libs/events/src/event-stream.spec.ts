import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import {
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Logger } from '@parley/service';
import { eventually, NATS_URL } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { EventStream } from './event-stream.ts';

const NAME = 'STREAM_SPEC';
const OTHER = 'STREAM_SPEC_OTHER';

let nats: NatsConnection;
let manager: JetStreamManager;
const streams: EventStream[] = [];

beforeEach(async () => {
  nats = await connect({ servers: process.env[NATS_URL]! });
  manager = await jetstreamManager(nats);
});
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  for (const name of [NAME, OTHER]) await manager.streams.delete(name).catch(() => false);
  await nats.close();
});

async function open(subjects: string[], logger = new Logger('events', 'silent')): Promise<EventStream> {
  const stream = new EventStream({
    url: process.env[NATS_URL]!,
    name: NAME,
    subjects,
    source: '/parley/spec',
    logger,
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

it('a stream whose events another one holds is as good as missing, until that one is gone', async () => {
  const stream = await open(['stream_spec.>']);
  await manager.streams.delete(NAME);
  await manager.streams.add({ name: OTHER, subjects: ['stream_spec.>'] });
  const event = { tenantId: uuidv7(), type: 'stream_spec.started', subject: 'a', sequence: 1, data: '{}' };
  const publish = (): Promise<boolean> => stream.publish({ ...event, id: uuidv7(), time: new Date() });
  await expect(publish()).rejects.toMatchObject({ reason: 'no_stream' });
  expect(stream.connected).toBe(false);
  await manager.streams.delete(OTHER);
  await eventually(() => expect(stream.connected).toBe(true));
  expect(await publish()).toBe(false);
});

it.each<[string, Partial<StreamConfig>, RegExp[]]>([
  ['as it would be made', {}, []],
  ['that lets go of what was heard', { retention: RetentionPolicy.Workqueue }, [/retention "workqueue"/]],
  [
    'in memory, for those who listen',
    { retention: RetentionPolicy.Interest, storage: StorageType.Memory },
    [/retention "interest"/, /is in memory/],
  ],
])('a stream %s is used, and what it lacks is said', async (_, config, warnings) => {
  await manager.streams.add({ name: NAME, subjects: ['stream_spec.>'], ...config });
  const logger = new Logger('events', 'silent');
  const warn = jest.spyOn(logger, 'warn');
  await open(['stream_spec.>'], logger);
  expect(warn.mock.calls.map(([text]) => text)).toEqual(
    warnings.map((warning) => expect.stringMatching(warning)),
  );
});
