import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Database, migrate } from '@parley/postgres';
import { Logger } from '@parley/service';
import { createTestDatabase, eventually, EventProbe, NATS_URL, type TestDatabase } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import type { OutgoingEvent } from './event.ts';
import { EventStream } from './event-stream.ts';
import { Outbox } from './outbox.ts';
import { CreateOutbox1763800000000 } from './outbox.migration.ts';
import { OutboxRelay } from './outbox-relay.ts';

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

async function addReplica(): Promise<Replica> {
  const database = await Database.connect({ url: testDatabase.url, name: 'events' });
  const stream = new EventStream({
    url: process.env[NATS_URL]!,
    name: 'OUTBOX_SPEC',
    subjects: 'outbox_spec.>',
    source: '/parley/spec',
    logger,
  });
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

const event = (subject: string, sequence: number): OutgoingEvent => ({
  id: uuidv7(),
  tenantId,
  type: 'outbox_spec.happened',
  subject,
  sequence,
  time: new Date(),
  data: JSON.stringify({ sequence }),
});

const publish = (replica: Replica, ...events: OutgoingEvent[]): Promise<void> =>
  replica.outbox.transaction((_tx, add) => add(events));

const waiting = (): Promise<{ subject: string; sequence: number; claimed: boolean }[]> =>
  testDatabase.query(
    `SELECT subject, sequence, claimed_until > clock_timestamp() AS claimed FROM outbox
     WHERE published_at IS NULL ORDER BY position`,
  );

beforeEach(async () => {
  testDatabase = await createTestDatabase([CreateOutbox1763800000000], migrate);
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

  it('holds an event back while an earlier one of its subject waits at another replica (P6)', async () => {
    // The first replica commits but never publishes, as if it stood still.
    const [still, lively] = [await addReplica(), await addReplica()];
    lively.relay.start();
    const subject = uuidv7();
    await publish(still, event(subject, 1));
    await publish(lively, event(subject, 2), event(uuidv7(), 1));

    const probe = await EventProbe.open('OUTBOX_SPEC', tenantId);
    await probe.waitFor('outbox_spec.happened');
    expect(probe.of(subject)).toEqual([]);
    expect(await waiting()).toEqual([
      { subject, sequence: 1, claimed: true },
      { subject, sequence: 2, claimed: false },
    ]);

    // Its claim runs out, and the other replica takes over, in order.
    await testDatabase.query(`UPDATE outbox SET claimed_until = '-infinity' WHERE sequence = 1`);
    await probe.waitFor('outbox_spec.happened', 3);
    expect(probe.of(subject).map(({ sequence }) => sequence)).toEqual([1, 2]);
    await probe.close();
  });

  it('stores an event once in the stream, though a replica publishes it again after a pause (P6)', async () => {
    const [paused, other] = [await addReplica(), await addReplica()];
    const sent = event(uuidv7(), 1);
    await publish(paused, sent);
    await testDatabase.query(`UPDATE outbox SET claimed_until = '-infinity'`);
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
    await testDatabase.query(`UPDATE outbox SET claimed_until = '-infinity'`);
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
});
