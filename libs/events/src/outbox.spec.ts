import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Database, migrate } from '@parley/postgres';
import { Logger } from '@parley/service';
import { createTestDatabase, eventually, EventProbe, NATS_URL, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import type { OutgoingEvent } from './event.ts';
import { EventStream } from './event-stream.ts';
import { outboxMigrations } from './outbox-migrations.ts';
import { Outbox } from './outbox.ts';
import { OutboxRelay } from './outbox-relay.ts';
import { toRow } from './outbox-row.ts';
import { PublishError } from './publish-error.ts';

/** One process of a service: its own connections, its own relay. */
interface Replica {
  outbox: Outbox;
  relay: OutboxRelay;
  close(): Promise<void>;
}

let testDatabase: TestDatabase;
let tenantId: string;
const replicas: Replica[] = [];
const logger = new Logger('events', 'fatal');

const openStream = (): EventStream =>
  new EventStream({
    url: process.env[NATS_URL]!,
    name: 'OUTBOX_SPEC',
    subjects: ['outbox_spec.>'],
    source: '/parley/spec',
    logger,
  });

async function addReplica(stream = openStream()): Promise<Replica> {
  const database = await Database.connect({ url: testDatabase.url, name: 'events' });
  const relay = new OutboxRelay({ database, stream, retentionDays: 3, logger });
  const replica = {
    outbox: new Outbox(database, relay),
    relay,
    close: async () => {
      await relay.stop();
      stream.close();
      await database.close();
    },
  };
  replicas.push(replica);
  await eventually(() => expect(stream.connected).toBe(true));
  return replica;
}

/** A stream that takes events as the test says. */
const fakeStream = (publish: (event: OutgoingEvent) => Promise<boolean>): EventStream => {
  const stream = { connected: true, onConnected: () => undefined, publish, close: () => undefined };
  return stream as unknown as EventStream;
};

const event = (subject: string, sequence: number): OutgoingEvent => ({
  id: uuidv7(),
  tenantId,
  type: 'outbox_spec.happened',
  subject,
  sequence,
  time: new Date(),
  data: JSON.stringify({ sequence }),
});

/** Adds what is not there yet, and tells of it. */
const insertThings = (tenant: string) => ({
  statement: 'INSERT INTO things SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING id',
  of: { tenantId: `'${tenant}'::uuid`, subject: 'id', time: 'clock_timestamp()' },
  event: { type: `'outbox_spec.happened'`, sequence: '1', data: `'{}'` },
});

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** When a UUIDv7 was made. */
const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

const publish = (replica: Replica, ...events: OutgoingEvent[]): Promise<void> =>
  replica.outbox.transaction((_tx, add) => add(events));

const waiting = (): Promise<{ subject: string; sequence: number; claimed: boolean }[]> =>
  testDatabase.query(
    `SELECT subject, sequence, claim_ends_at > clock_timestamp() AS claimed FROM outbox
     WHERE published_at IS NULL ORDER BY position`,
  );

beforeEach(async () => {
  testDatabase = await createTestDatabase(outboxMigrations, migrate);
  tenantId = uuidv7();
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.close()));
  await testDatabase.drop();
});

describe('the outbox', () => {
  it('publishes what was committed, as CloudEvents with the id for deduplication (P6)', async () => {
    const replica = await addReplica();
    replica.relay.start();
    const sent = event(uuidv7(), 1);
    await publish(replica, sent);
    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    const [received] = await probe.waitFor('outbox_spec.happened');
    expect(received).toEqual({
      specversion: '1.0',
      id: sent.id,
      source: '/parley/spec',
      type: 'outbox_spec.happened',
      subject: sent.subject,
      time: sent.time.toISOString(),
      datacontenttype: 'application/json',
      tenantid: tenantId,
      sequence: 1,
      data: { sequence: 1 },
    });
    await probe.close();
  });

  it('publishes nothing of a transaction that failed (P6)', async () => {
    const replica = await addReplica();
    replica.relay.start();
    const failing = replica.outbox.transaction(async (_tx, add) => {
      await add([event(uuidv7(), 1)]);
      throw new Error('The change could not be made');
    });
    await expect(failing).rejects.toThrow('The change could not be made');
    const marker = event(uuidv7(), 1);
    await publish(replica, marker);
    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened');
    expect(probe.events.map(({ id }) => id)).toEqual([marker.id]);
    await probe.close();
  });

  it('adds rows and their events in one statement, or neither (P6)', async () => {
    const replica = await addReplica();
    replica.relay.start();
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY, weight int CHECK (weight > 0))');
    const add = (...things: [id: string, weight: number][]) =>
      replica.outbox.change<{ id: string; double: number }>({
        statement: `INSERT INTO things SELECT * FROM unnest($1::text[], $2::int[]) ON CONFLICT DO NOTHING RETURNING id, weight`,
        parameters: [things.map(([id]) => id), things.map(([, weight]) => weight)],
        of: { tenantId: `'${tenantId}'::uuid`, subject: 'id', time: 'clock_timestamp()' },
        event: {
          type: `'outbox_spec.happened'`,
          sequence: '1',
          data: `json_build_object('weight', weight)::text`,
        },
        give: 'id, 2 * weight AS double',
      });
    expect(await add(['a', 1])).toEqual([expect.objectContaining({ id: 'a', double: 2 })]);
    // One of them may not be.
    await expect(add(['b', 2], ['c', 0])).rejects.toThrow();
    expect((await add(['a', 5], ['d', 4])).map(({ id }) => id)).toEqual(['d']);

    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened', 2);
    expect(probe.events.map(({ subject, sequence, data }) => ({ subject, sequence, data }))).toEqual([
      { subject: 'a', sequence: 1, data: { weight: 1 } },
      { subject: 'd', sequence: 1, data: { weight: 4 } },
    ]);
    expect(probe.events.every(({ id }) => UUID_V7.test(id) && timeOf(id) > Date.now() - 60_000)).toBe(true);
    expect(await testDatabase.query('SELECT id FROM things ORDER BY id')).toEqual([{ id: 'a' }, { id: 'd' }]);
    await probe.close();
  });

  it('tells of more than the change itself, of those rows that were changed (P6)', async () => {
    const replica = await addReplica();
    replica.relay.start();
    await testDatabase.query(
      "CREATE TABLE things (id text PRIMARY KEY); INSERT INTO things VALUES ('there')",
    );
    const more = (sequence: number) => ({
      ...event('', sequence),
      data: `{"text":"it's \\"${sequence}\\""}`,
    });
    await replica.outbox.change({
      ...insertThings(tenantId),
      parameters: [['two', 'none', 'there']],
      more: new Map([
        ['two', [more(2), more(3)]],
        ['there', [more(2)]],
      ]),
    });
    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened', 4);
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await testDatabase.query('SELECT subject FROM outbox ORDER BY subject')).toEqual([
      { subject: 'none' },
      { subject: 'two' },
    ]);
    expect(probe.of('two').map(({ sequence, data }) => [sequence, data])).toEqual([
      [1, {}],
      [2, { text: `it's "2"` }],
      [3, { text: `it's "3"` }],
    ]);
    expect(probe.of('none').map(({ sequence }) => sequence)).toEqual([1]);
    expect(probe.of('there')).toEqual([]);
    await probe.close();
  });

  it('tells of rows without an event of the change itself what there is to tell, each once (P6)', async () => {
    const sent: [subject: string, sequence: number][] = [];
    const stream = fakeStream(({ subject, sequence }) => {
      sent.push([subject, sequence]);
      return Promise.resolve(false);
    });
    const replica = await addReplica(stream);
    replica.relay.start();
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY)');
    const change = insertThings(tenantId);
    await replica.outbox.change({
      ...change,
      event: { ...change.event, sequence: '3', when: `id = 'ended'` },
      locked: true,
      parameters: [['ended', 'goes on', 'silent']],
      more: new Map(['ended', 'goes on'].map((subject) => [subject, [event('', 1), event('', 2)]])),
    });
    await eventually(async () => expect(await waiting()).toEqual([]));
    const expected = [
      ...[1, 2, 3].map((sequence) => ['ended', sequence]),
      ...[1, 2].map((sequence) => ['goes on', sequence]),
    ];
    expect(sent.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))).toEqual(expected);
    const rows = await testDatabase.query<{ subject: string; sequence: number }>(
      'SELECT subject, sequence FROM outbox_events ORDER BY subject, sequence',
    );
    expect(rows.map(({ subject, sequence }) => [subject, sequence])).toEqual(expected);
  });

  it('has another replica send all events of a change, in order, when its own stops before (P6)', async () => {
    const stopped = await addReplica();
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY)');
    const change = insertThings(tenantId);
    await stopped.outbox.change({
      ...change,
      // As when a reply asks for a message and ends its session.
      event: { ...change.event, sequence: '3' },
      locked: true,
      parameters: [['thing']],
      more: new Map([['thing', [event('', 1), { ...event('', 2), data: '{"text":"1.0 \\u0000"}' }]]]),
    });
    expect(await waiting()).toEqual([{ subject: 'thing', sequence: 3, claimed: true }]);
    // A replica of the version before, which would send one of them, finds none: so it asks.
    const old = await testDatabase.query('SELECT FROM outbox WHERE claimed_until < clock_timestamp()');
    expect(old).toEqual([]);
    await testDatabase.query(`UPDATE outbox SET claim_ends_at = '-infinity'`);
    (await addReplica()).relay.start();
    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened', 3);
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(probe.events.map(({ sequence, data }) => [sequence, data])).toEqual([
      [1, { sequence: 1 }],
      [2, { text: '1.0 \u0000' }],
      [3, {}],
    ]);
    await probe.close();
  });

  it('goes on with the event that was not stored, and sends those before it once (P6)', async () => {
    const sent: number[] = [];
    const stream = fakeStream(({ sequence }) => {
      sent.push(sequence);
      const fails = sequence === 2 && sent.length === 2;
      return fails ? Promise.reject(new PublishError('timeout')) : Promise.resolve(false);
    });
    const replica = await addReplica(stream);
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY)');
    await replica.outbox.change({
      ...insertThings(tenantId),
      parameters: [['thing']],
      more: new Map([['thing', [event('', 2), event('', 3)]]]),
    });
    replica.relay.start();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(sent).toEqual([1, 2, 2, 3]);
  });

  it('does not forget what another replica has sent meanwhile of the same row (P6)', async () => {
    const sent: number[] = [];
    const stream = fakeStream(({ sequence }) => {
      sent.push(sequence);
      return sent.length === 2 ? Promise.reject(new PublishError('timeout')) : Promise.resolve(false);
    });
    const slow = await addReplica(stream);
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY)');
    await slow.outbox.change({
      ...insertThings(tenantId),
      parameters: [['thing']],
      more: new Map([['thing', [event('', 2), event('', 3)]]]),
    });
    await testDatabase.query('UPDATE outbox SET sent = 2');
    slow.relay.start();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(sent).toEqual([1, 2, 3]);
  });

  it('sends from memory all events of a change whose own is the last (P6)', async () => {
    const replica = await addReplica();
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY)');
    const change = insertThings(tenantId);
    const asked = event('', 1);
    await replica.outbox.change({
      ...change,
      event: { ...change.event, sequence: '2' },
      locked: true,
      parameters: [['thing']],
      more: new Map([['thing', [asked]]]),
    });
    // From the table it would be another's.
    await testDatabase.query(`UPDATE outbox SET more = '[{}]'`);
    replica.relay.start();
    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened', 2);
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(probe.events.map(({ id, sequence }) => [id === asked.id, sequence])).toEqual([
      [true, 1],
      [false, 2],
    ]);
    await probe.close();
  });

  it('keeps the order of each subject when publishing fails (P6)', async () => {
    const [tried, stored] = [new Set<string>(), [] as string[]];
    // As when NATS goes away and comes back: the first event of each subject fails once.
    const stream = fakeStream(({ subject, sequence }) => {
      const isFirst = sequence === 1 && !tried.has(subject);
      tried.add(subject);
      if (isFirst) return Promise.reject(new PublishError('timeout'));
      stored.push(`${subject} ${sequence}`);
      return Promise.resolve(false);
    });
    const replica = await addReplica(stream);
    await testDatabase.query('CREATE TABLE things (id text PRIMARY KEY)');
    const subjects = Array.from({ length: 300 }, (_, index) => `thing ${index}`);
    await replica.outbox.change({
      ...insertThings(tenantId),
      parameters: [subjects],
      more: new Map(subjects.map((subject) => [subject, [event(subject, 2)]])),
    });
    replica.relay.start();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(stored).toHaveLength(600);
    for (const subject of subjects)
      expect(stored.indexOf(`${subject} 1`)).toBeLessThan(stored.indexOf(`${subject} 2`));
  });

  it('sends what a relay that stops has in memory, and leaves nothing of it to others', async () => {
    const stored: number[] = [];
    const replica = await addReplica(
      fakeStream(({ sequence }) => {
        stored.push(sequence);
        return Promise.resolve(false);
      }),
    );
    await publish(replica, event(uuidv7(), 1), event(uuidv7(), 2));
    expect(stored).toEqual([]);
    await replica.relay.stop();
    expect(stored).toEqual([1, 2]);
    expect(await waiting()).toEqual([]);
  });

  it('holds ten thousand rows in memory and no more; what comes then waits in the table', async () => {
    const { relay } = await addReplica(fakeStream(() => Promise.resolve(false)));
    expect([relay.accepts(10_000), relay.accepts(10_001)]).toEqual([true, false]);
    relay.publishSoon(Array.from({ length: 9_000 }, () => toRow(event('one of many', 1))));
    expect([relay.accepts(1_000), relay.accepts(1_001)]).toEqual([true, false]);
  });

  it.each([
    ['the first of its subject', 1, false, true],
    ['the second, and the first is published', 2, false, true],
    ['the second, and the first waits', 2, true, false],
    ['a later one', 3, false, false],
  ])('claims, or leaves to polling, an event that is %s', async (_what, sequence, waits, claimed) => {
    // Its relay does not run: what it claims, it keeps.
    const replica = await addReplica();
    const subject = uuidv7();
    if (waits) await publish(replica, event(subject, 1));
    await testDatabase.query('CREATE TABLE things (id text)');
    await replica.outbox.change({
      statement: 'INSERT INTO things VALUES ($1) RETURNING id',
      parameters: [subject],
      of: { tenantId: `'${tenantId}'::uuid`, subject: 'id', time: 'clock_timestamp()' },
      event: { type: `'outbox_spec.happened'`, sequence: String(sequence), data: `'{}'` },
    });
    expect((await waiting()).filter((row) => row.sequence === sequence)).toEqual([
      { subject, sequence, claimed },
    ]);
  });

  it('holds an event back while an earlier one of its subject waits at another replica (P6)', async () => {
    // The first replica commits but never publishes, as if it stood still.
    const [still, lively] = [await addReplica(), await addReplica()];
    lively.relay.start();
    const subject = uuidv7();
    await publish(still, event(subject, 1));
    await publish(lively, event(subject, 2), event(uuidv7(), 1));

    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened');
    // Another one that nobody holds: the poll that finds it has found the second one, too.
    const unclaimed = event(uuidv7(), 1);
    await publish(still, unclaimed);
    await testDatabase.query(`UPDATE outbox SET claim_ends_at = '-infinity' WHERE id = $1`, [unclaimed.id]);
    await probe.waitFor('outbox_spec.happened', 2);
    expect(probe.of(subject)).toEqual([]);
    expect(await waiting()).toEqual([
      { subject, sequence: 1, claimed: true },
      { subject, sequence: 2, claimed: false },
    ]);

    // Its claim runs out, and the other replica takes over, in order.
    await testDatabase.query(`UPDATE outbox SET claim_ends_at = '-infinity' WHERE sequence = 1`);
    await probe.waitFor('outbox_spec.happened', 4);
    expect(probe.of(subject).map(({ sequence }) => sequence)).toEqual([1, 2]);
    await probe.close();
  });

  it('stores an event once in the stream, though a replica publishes it again after a pause (P6)', async () => {
    const [paused, other] = [await addReplica(), await addReplica()];
    const sent = event(uuidv7(), 1);
    await publish(paused, sent);
    await testDatabase.query(`UPDATE outbox SET claim_ends_at = '-infinity'`);
    other.relay.start();
    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened');

    // It wakes up with the event still in its memory.
    paused.relay.start();
    const marker = event(uuidv7(), 1);
    await publish(paused, marker);
    await probe.waitFor('outbox_spec.happened', 2);
    expect(probe.events.map(({ id }) => id)).toEqual([sent.id, marker.id]);
    await probe.close();
  });

  it('finds what a crashed replica left, once its claim has run out (P6)', async () => {
    const crashed = await addReplica();
    const events = Array.from({ length: 1_200 }, () => event(uuidv7(), 1));
    await publish(crashed, ...events);
    await testDatabase.query(`UPDATE outbox SET claim_ends_at = '-infinity'`);
    (await addReplica()).relay.start();
    (await addReplica()).relay.start();
    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened', events.length);
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(new Set(probe.events.map(({ id }) => id))).toEqual(new Set(events.map(({ id }) => id)));
    expect(probe.events).toHaveLength(events.length);
    await probe.close();
  });

  it('keeps published events for the days set, then deletes them', async () => {
    const replica = await addReplica();
    replica.relay.start();
    await publish(replica, event(uuidv7(), 1), event(uuidv7(), 1), event(uuidv7(), 1));
    await eventually(async () => expect(await waiting()).toEqual([]));
    const ids = (await testDatabase.query<{ id: string }>('SELECT id FROM outbox ORDER BY position')).map(
      ({ id }) => id,
    );
    await testDatabase.query(`UPDATE outbox SET published_at = now() - interval '4 days' WHERE id = $1`, [
      ids[0],
    ]);
    await testDatabase.query(`UPDATE outbox SET published_at = now() - interval '2 days' WHERE id = $1`, [
      ids[1],
    ]);
    // A relay looks for them when it starts.
    (await addReplica()).relay.start();
    await eventually(async () => {
      const left = await testDatabase.query<{ id: string }>('SELECT id FROM outbox ORDER BY position');
      expect(left.map(({ id }) => id)).toEqual(ids.slice(1));
    });
  });

  it('lets an event wait that is larger than NATS takes, and sends those beside it and behind it (P6)', async () => {
    const replica = await addReplica();
    replica.relay.start();
    const subjects = Array.from({ length: 4 }, () => uuidv7());
    const large = subjects.slice(1).map((subject) => ({
      ...event(subject, 1),
      data: JSON.stringify({ text: 'x'.repeat(1_100_000) }),
    }));
    await publish(replica, ...large, event(subjects[0]!, 1));
    await eventually(async () => {
      const rows = await testDatabase.query(
        `SELECT subject, claim_ends_at > clock_timestamp() + interval '30 seconds' AS rests FROM outbox
         WHERE published_at IS NULL ORDER BY position`,
      );
      expect(rows).toEqual(large.map(({ subject }) => ({ subject, rests: true })));
    });
    // The next of one of them waits for it; another's is sent.
    await publish(replica, event(subjects[1]!, 2), event(subjects[0]!, 2));
    await eventually(async () => {
      const left = (await waiting()).map(({ subject, sequence }) => [subject, sequence]);
      expect(left).toEqual([...large.map(({ subject }) => [subject, 1]), [subjects[1], 2]]);
    });
  });
});
