import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DiscardPolicy, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Database, migrate } from '@parley/postgres';
import { Logger, Metrics } from '@parley/service';
import {
  createTestDatabase,
  eventually,
  EventProbe,
  NATS_URL,
  type RecordedEvent,
  type TestDatabase,
} from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import type { OutgoingEvent } from './event.ts';
import { EventStream } from './event-stream.ts';
import { outboxMigrations } from './outbox-migrations.ts';
import { Outbox } from './outbox.ts';
import { OutboxRelay } from './outbox-relay.ts';
import { replayEvents } from './outbox-replay.ts';
import { countEvents, rangeFrom } from './outbox-rows.ts';

const ALL = { types: [] };
const STREAM = { name: 'REPLAY_SPEC', subjects: ['replay_spec.>'], source: '/parley/spec' };
const logger = new Logger('events', 'silent');

let testDatabase: TestDatabase;
let database: Database;
let stream: EventStream;
let relay: OutboxRelay;
let metrics: Metrics;
let nats: NatsConnection;
let manager: JetStreamManager;
let tenantId: string;

beforeEach(async () => {
  testDatabase = await createTestDatabase(outboxMigrations, migrate);
  tenantId = uuidv7();
  metrics = new Metrics();
  nats = await connect({ servers: process.env[NATS_URL]! });
  manager = await jetstreamManager(nats);
  database = await Database.connect({ url: testDatabase.url, name: 'events' });
  stream = new EventStream({ ...STREAM, url: process.env[NATS_URL]!, metrics, logger });
  relay = new OutboxRelay({ database, stream, retentionDays: 7, metrics, logger });
  relay.start();
  await eventually(() => expect(stream.connected).toBe(true));
});
afterEach(async () => {
  await relay.stop();
  stream.close();
  await manager.streams.delete(STREAM.name).catch(() => false);
  await nats.close();
  await database.close();
  await testDatabase.drop();
});

const event = (subject: string, sequence: number, type = 'replay_spec.started'): OutgoingEvent => ({
  id: uuidv7(),
  tenantId,
  type,
  subject,
  sequence,
  time: new Date(),
  data: JSON.stringify({ sequence, of: { two: 'levels' } }),
});

async function publish(...events: OutgoingEvent[]): Promise<void> {
  await new Outbox(database, relay).transaction((_tx, add) => add(events));
}

async function allSent(): Promise<void> {
  await eventually(async () => {
    expect(await testDatabase.query('SELECT FROM outbox WHERE published_at IS NULL')).toEqual([]);
  });
}

/** All that the stream holds now. */
async function stored(): Promise<RecordedEvent[]> {
  const { state } = await manager.streams.info(STREAM.name);
  const probe = await EventProbe.open(STREAM.name);
  await eventually(() => expect(probe.events).toHaveLength(state.messages));
  await probe.close();
  return probe.events;
}

async function age(seconds: number, where = 'true'): Promise<void> {
  await testDatabase.query(
    `UPDATE outbox SET time = time - make_interval(secs => ${seconds}),
       published_at = published_at - make_interval(secs => ${seconds}) WHERE ${where}`,
  );
}

describe('a replay', () => {
  it('rebuilds a stream that was deleted: the same events, so a consumer that deduplicates sees nothing new (P6)', async () => {
    const subjects = Array.from({ length: 600 }, () => uuidv7());
    for (const sequence of [1, 2, 3]) await publish(...subjects.map((subject) => event(subject, sequence)));
    await allSent();
    const before = await stored();
    expect(before).toHaveLength(1_800);

    await manager.streams.delete(STREAM.name);
    const range = await rangeFrom(database);
    const result = await replayEvents(database, stream, range, ALL);
    expect(result).toMatchObject({ stored: 1_800, duplicates: 0, finished: true, position: range.last });

    const seen = new Set(before.map(({ id }) => id));
    const after = await stored();
    expect(after.filter(({ id }) => !seen.has(id))).toEqual([]);
    expect(new Set(after.map((one) => JSON.stringify(one)))).toEqual(
      new Set(before.map((one) => JSON.stringify(one))),
    );
    const last = new Map<string, number>();
    for (const { subject, sequence } of after) {
      expect(sequence).toBe((last.get(subject) ?? 0) + 1);
      last.set(subject, sequence);
    }
  });

  it('sends and counts each event of a row that holds several, and leaves none of them out when it goes on', async () => {
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY)');
    const things = Array.from({ length: 2 }, () => uuidv7());
    const more = (): OutgoingEvent[] => [
      event('', 2, 'replay_spec.asked'),
      event('', 3, 'replay_spec.asked'),
    ];
    await new Outbox(database, relay).change({
      statement: 'INSERT INTO things SELECT unnest($1::text[]) RETURNING id',
      parameters: [things],
      of: { tenantId: `'${tenantId}'::uuid`, subject: 'id', time: 'clock_timestamp()' },
      event: { type: `'replay_spec.started'`, sequence: '1', data: `'{}'` },
      more: new Map(things.map((thing) => [thing, more()])),
    });
    await allSent();
    const before = await stored();
    const range = await rangeFrom(database);
    const counts = await countEvents(database, range, ALL);
    expect(counts.map(({ type, events }) => [type, events])).toEqual([
      ['replay_spec.asked', 4],
      ['replay_spec.started', 2],
    ]);
    // Room for the first two or three of six.
    await manager.streams.delete(STREAM.name);
    const { name, subjects } = STREAM;
    await manager.streams.add({ name, subjects, max_bytes: 1_200, discard: DiscardPolicy.New });
    const stopped = await replayEvents(database, stream, range, ALL);
    expect(stopped).toMatchObject({ finished: false, failure: { reason: 'stream_full' } });
    await manager.streams.update(STREAM.name, { max_bytes: -1 });
    const rest = await replayEvents(database, stream, { ...range, after: stopped.position }, ALL);
    expect(rest.finished).toBe(true);
    const after = await stored();
    expect(after.map(({ id }) => id).toSorted()).toEqual(before.map(({ id }) => id).toSorted());
    for (const thing of things)
      expect(after.filter(({ subject }) => subject === thing).map(({ sequence }) => sequence)).toEqual([
        1, 2, 3,
      ]);
  });

  it('sends rows that hold several events side by side, too: the first of each, then the second', async () => {
    await testDatabase.query(
      `INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, more, published_at)
       SELECT $1, gen_random_uuid(), 'replay_spec.started', n::text, 1, now(), '{}',
              jsonb_build_array(jsonb_build_object('id', gen_random_uuid(), 'type', 'replay_spec.asked', 'sequence', 2, 'data', '{}')), now()
       FROM generate_series(1, 100) n`,
      [tenantId],
    );
    const sent: number[] = [];
    // How many had left when each was stored.
    const together: number[] = [];
    const publish = async ({ sequence }: OutgoingEvent): Promise<boolean> => {
      sent.push(sequence);
      await new Promise((resolve) => setImmediate(resolve));
      together.push(sent.length);
      return false;
    };
    await replayEvents(database, { publish } as unknown as EventStream, await rangeFrom(database), ALL);
    expect(sent).toEqual([...Array<number>(100).fill(1), ...Array<number>(100).fill(2)]);
    expect([...new Set(together)]).toEqual([100, 200]);
  });

  it('adds nothing within the duplicate window: the stream drops what it has', async () => {
    await publish(event(uuidv7(), 1), event(uuidv7(), 1));
    await allSent();
    const result = await replayEvents(database, stream, await rangeFrom(database), ALL);
    expect(result).toMatchObject({ stored: 0, duplicates: 2, finished: true });
    expect(await stored()).toHaveLength(2);
  });

  it('sends what was asked for: since, until, subject, tenant; and never what the relay has yet to send', async () => {
    const [old, middle, young, other] = [1, 2, 3, 4].map(() => event(uuidv7(), 1));
    const ended = event(middle!.subject, 2, 'replay_spec.ended');
    await publish(old!);
    await allSent();
    await age(7_200);
    await publish(middle!);
    await publish(ended);
    await allSent();
    await age(3_600);
    await publish(young!, { ...other!, tenantId: uuidv7() });
    await allSent();
    await relay.stop();
    await publish(event(uuidv7(), 1));

    const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);
    const selected = async (selection: object): Promise<string[]> => {
      const wanted = { ...ALL, ...selection };
      const range = await rangeFrom(database, 'since' in wanted ? (wanted.since as Date) : undefined);
      const counted = await countEvents(database, range, wanted);
      await manager.streams.delete(STREAM.name).catch(() => false);
      const { stored: sent } = await replayEvents(database, stream, range, wanted);
      expect(counted.reduce((sum, { events }) => sum + events, 0)).toBe(sent);
      return sent === 0 ? [] : (await stored()).map(({ id }) => id);
    };
    expect(await selected({})).toEqual([old, middle, ended, young, other].map((one) => one!.id));
    expect(await selected({ since: hoursAgo(1.5) })).toEqual(
      [middle, ended, young, other].map((one) => one!.id),
    );
    expect(await selected({ since: hoursAgo(1.5), until: hoursAgo(0.5) })).toEqual([middle!.id, ended.id]);
    expect(await selected({ types: ['replay_spec.ended'] })).toEqual([ended.id]);
    expect(await selected({ since: hoursAgo(0.5), tenantId })).toEqual([young!.id]);
    expect(await selected({ tenantId: uuidv7() })).toEqual([]);
  });

  it('finds where a time begins without reading what is older', async () => {
    await testDatabase.query(
      `INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claim_ends_at, published_at)
       SELECT $1, gen_random_uuid(), 'replay_spec.started', n::text, 1, t, '{}', t, t
       FROM generate_series(1, 50000) n, LATERAL (SELECT now() - make_interval(secs => 50000 - n) AS t)`,
      [tenantId],
    );
    const range = await rangeFrom(database, new Date(Date.now() - 10_000_000));
    // Rows a minute out of order are looked at, too.
    expect(range.after).toBeGreaterThan(50_000 - 10_000 - 60 - 1_100);
    expect(range.after).toBeLessThanOrEqual(50_000 - 10_000 - 60);
  });

  it('can be stopped, and goes on behind the position it gave without leaving one out', async () => {
    const events = Array.from({ length: 2_500 }, () => event(uuidv7(), 1));
    await publish(...events);
    await allSent();
    await manager.streams.delete(STREAM.name);
    const abort = new AbortController();
    const range = await rangeFrom(database);
    const first = await replayEvents(database, stream, range, ALL, {
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    expect(first).toMatchObject({ stored: 1_000, finished: false });
    const second = await replayEvents(database, stream, { ...range, after: first.position }, ALL);
    expect(second).toMatchObject({ stored: 1_500, duplicates: 0, finished: true });
    expect((await stored()).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  });

  it('stops at a stream that is full, says so, and goes on where it stopped once there is room', async () => {
    await publish(...Array.from({ length: 20 }, () => event(uuidv7(), 1)));
    await allSent();
    await manager.streams.delete(STREAM.name);
    await manager.streams.add({
      name: STREAM.name,
      subjects: STREAM.subjects,
      max_msgs: 0,
      max_bytes: 1_000,
      discard: DiscardPolicy.New,
    });
    const range = await rangeFrom(database);
    const stopped = await replayEvents(database, stream, range, ALL);
    expect(stopped).toMatchObject({ finished: false, failure: { reason: 'stream_full' } });
    expect(stopped.stored).toBeLessThan(20);
    await manager.streams.update(STREAM.name, { max_bytes: -1 });
    const rest = await replayEvents(database, stream, { ...range, after: stopped.position }, ALL);
    expect(rest.finished).toBe(true);
    expect((await stored()).length).toBe(20);
  });
});

describe('an event that cannot be replayed', () => {
  it('holds back the later ones of its subject, though they are in the same page (P6)', async () => {
    const [subject, other] = [uuidv7(), uuidv7()];
    const large = { ...event(subject, 1), data: JSON.stringify({ text: 'x'.repeat(3_000) }) };
    await publish(large);
    await publish(event(other, 1));
    await publish(event(subject, 2));
    await allSent();
    await manager.streams.delete(STREAM.name);
    await manager.streams.add({ name: STREAM.name, subjects: STREAM.subjects, max_msg_size: 2_000 });
    const range = await rangeFrom(database);
    const stopped = await replayEvents(database, stream, range, ALL);
    expect(stopped).toMatchObject({
      finished: false,
      position: range.after,
      failure: { reason: 'too_large' },
    });
    expect((await stored()).map((one) => one.subject)).toEqual([other]);
  });
});

describe('a stream that takes no event', () => {
  it('full and told to refuse: nothing is marked as sent, failures are counted, and events follow when there is room (P6)', async () => {
    await manager.streams.update(STREAM.name, { max_bytes: 1, discard: DiscardPolicy.New });
    const sent = event(uuidv7(), 1);
    await publish(sent);
    await eventually(async () => {
      expect(await metrics.text()).toMatch(
        /parley_event_publish_failures_total\{reason="stream_full"\} [1-9]/,
      );
    });
    const rows = await testDatabase.query('SELECT published_at FROM outbox');
    expect(rows).toEqual([{ published_at: null }]);
    await manager.streams.update(STREAM.name, { max_bytes: -1 });
    await allSent();
    expect((await stored()).map(({ id }) => id)).toEqual([sent.id]);
  });

  it('missing: it is made again, the event is sent, and both are counted (P6)', async () => {
    await manager.streams.delete(STREAM.name);
    await publish(event(uuidv7(), 1));
    await allSent();
    const text = await metrics.text();
    expect(text).toMatch(/parley_event_publish_failures_total\{reason="no_stream"\} [1-9]/);
    // Once for the first of this spec, once for the one that was deleted.
    expect(text).toMatch(/parley_event_streams_made_total 2$/m);
    expect(await stored()).toHaveLength(1);
  });
});
