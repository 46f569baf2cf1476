import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AckPolicy, jetstreamManager, type ConsumerConfig, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { unavailable } from '@parley/errors';
import { freePort, startNats, type NatsServer } from '@parley/local-servers';
import { Logger, Metrics } from '@parley/service';
import { eventually } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import type { OutgoingEvent, ReceivedEvent } from './event.ts';
import { EventConsumer, type EventConsumerOptions } from './event-consumer.ts';
import { EventStream } from './event-stream.ts';
import { hearingLag } from './hearing-lag.ts';

const binDir = fileURLToPath(new URL('../../../.parley/nats-server', import.meta.url));
const logger = new Logger('events', 'silent');
const STREAM = 'CONSUMER_SPEC';
const NOT_HEARD = 'Events are not heard; trying again until they are';
const OTHER_EVENTS =
  'The consumer spec of CONSUMER_SPEC hears other events; consumer_spec.asked needs one of another name';

let folder: string;
let port: number;
let nats: NatsServer;
let stream: EventStream | undefined;
let metrics: Metrics;
const consumers: EventConsumer[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-consumer-'));
  port = await freePort();
  metrics = new Metrics();
  nats = await start();
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
  stream?.close();
  stream = undefined;
  await nats.stop();
  rmSync(folder, { recursive: true });
});

const start = (): Promise<NatsServer> =>
  startNats({ storeDir: join(folder, 'store'), port, binDir, logFile: join(folder, 'nats.log') });

async function openStream(): Promise<EventStream> {
  const options = { name: STREAM, subjects: ['consumer_spec.>'], source: '/parley/spec', logger };
  stream = new EventStream({ ...options, url: `nats://127.0.0.1:${port}` });
  await eventually(() => expect(stream!.connected).toBe(true));
  return stream;
}

function consume(
  handle: EventConsumerOptions['handle'],
  more: Partial<EventConsumerOptions> = {},
): EventConsumer {
  const consumer = new EventConsumer({
    url: `nats://127.0.0.1:${port}`,
    stream: STREAM,
    durable: 'spec',
    subject: 'consumer_spec.asked',
    backoffMs: [20],
    handle,
    // One consumer is of one process.
    metrics: consumers.length === 0 ? metrics : new Metrics(),
    logger,
    ...more,
  });
  consumers.push(consumer);
  return consumer;
}

const event = (subject = uuidv7(), sequence = 1, type = 'consumer_spec.asked'): OutgoingEvent => ({
  id: uuidv7(),
  tenantId: '0198c0de-0000-7000-8000-000000000001',
  type,
  subject,
  sequence,
  time: new Date(),
  data: JSON.stringify({ sequence }),
});

async function publish(...events: OutgoingEvent[]): Promise<void> {
  for (const one of events) await stream!.publish(one);
}

async function withStreams(work: (manager: JetStreamManager) => Promise<unknown>): Promise<void> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  await work(await jetstreamManager(connection));
  await connection.close();
}

/** Waits until the server knows that nothing is to come, or to come again. */
async function allSettled(): Promise<void> {
  await withStreams((manager) =>
    eventually(async () => {
      const { num_pending, num_ack_pending } = await manager.consumers.info(STREAM, 'spec');
      expect({ num_pending, num_ack_pending }).toEqual({ num_pending: 0, num_ack_pending: 0 });
    }),
  );
}

const ids = (events: Pick<ReceivedEvent, 'id'>[]): string[] => events.map(({ id }) => id);

describe('a consumer of events', () => {
  it('is handed each event of its subject once, also those from before it was there, whoever shares it', async () => {
    await openStream();
    const early = [event(), event()];
    await publish(...early, event(uuidv7(), 1, 'consumer_spec.else'));
    const handed: ReceivedEvent[] = [];
    const attempts: number[] = [];
    for (let replica = 0; replica < 2; replica++) {
      consume((one, { attempt }) => {
        handed.push(one);
        attempts.push(attempt);
      });
    }
    const late = Array.from({ length: 50 }, () => event());
    await publish(...late);
    await eventually(() => expect(handed).toHaveLength(52));
    await allSettled();
    expect(new Set(ids(handed))).toEqual(new Set(ids([...early, ...late])));
    expect(handed.find(({ id }) => id === early[0]!.id)).toMatchObject({
      sequence: 1,
      data: { sequence: 1 },
    });
    expect(new Set(attempts)).toEqual(new Set([1]));
  });

  it('is handed the events of one subject one after another, and those of others side by side', async () => {
    await openStream();
    const [a, b] = [uuidv7(), uuidv7()];
    const open = Promise.withResolvers<void>();
    const seen: string[] = [];
    consume(async ({ subject, sequence }) => {
      seen.push(`${subject === a ? 'a' : 'b'}${sequence}`);
      if (subject === a && sequence === 1) await open.promise;
    });
    await publish(event(a, 1), event(a, 2), event(b, 1), event(b, 2));
    await eventually(() => expect(seen).toEqual(['a1', 'b1', 'b2']));
    open.resolve();
    await eventually(() => expect(seen).toEqual(['a1', 'b1', 'b2', 'a2']));
  });

  it('has no more in hand than it may', async () => {
    await openStream();
    let [now, most, done] = [0, 0, 0];
    consume(
      async () => {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
        done += 1;
      },
      { concurrency: 3 },
    );
    await publish(...Array.from({ length: 40 }, () => event()));
    await eventually(() => expect(done).toBe(40));
    expect(most).toBeLessThanOrEqual(3);
  });

  it('is not handed over again while it is in hand, however long that takes', async () => {
    await openStream();
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: string[] = [];
    consume(async ({ id }) => {
      seen.push(id);
      await promise;
    });
    const one = event();
    await publish(one);
    await eventually(() => expect(seen).toEqual([one.id]));
    // A server that has heard nothing for ten seconds takes the event for lost.
    await new Promise((passed) => setTimeout(passed, 12_000));
    resolve();
    await allSettled();
    expect(seen).toEqual([one.id]);
  });

  it('leaves nothing running when it is closed before it is connected', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await consume(() => undefined).close();
    await eventually(() => expect(timers()).toBeLessThanOrEqual(before));
  });
});

describe('an event whose handler fails', () => {
  it('comes again until it works', async () => {
    await openStream();
    const attempts: number[] = [];
    consume((_one, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error('not yet');
    });
    await publish(event());
    await eventually(() => expect(attempts).toEqual([1, 2, 3]));
    await allSettled();
    const text = await metrics.text();
    expect(text).toContain('parley_event_deliveries_total{consumer="spec",outcome="failed"} 2');
    expect(text).toContain('parley_event_deliveries_total{consumer="spec",outcome="handled"} 1');
  });

  it('is given up after its attempts, and holds up no other', async () => {
    await openStream();
    const attempts: number[] = [];
    const handled: string[] = [];
    const poison = event();
    consume(
      ({ id }, { attempt }) => {
        if (id !== poison.id) return void handled.push(id);
        attempts.push(attempt);
        throw new Error('never');
      },
      { maxAttempts: 3 },
    );
    const others = [event(), event()];
    await publish(poison, ...others);
    await allSettled();
    expect(attempts).toEqual([1, 2, 3]);
    expect(new Set(handled)).toEqual(new Set(ids(others)));
    expect(await metrics.text()).toContain('parley_event_deliveries_total{consumer="spec",outcome="dead"} 1');
  });

  it('is never given up because something is away, and comes again soon however long that is', async () => {
    await openStream();
    let attempts = 0;
    consume(
      () => {
        attempts += 1;
        if (attempts < 4) throw unavailable('The database did not answer in time');
      },
      { maxAttempts: 2, keepInHandMs: 0, backoffMs: [600_000] },
    );
    await publish(event());
    await eventually(() => expect(attempts).toBe(4));
    await allSettled();
  });

  it('stays in hand while something is away, and no more are taken; then all go on', async () => {
    await openStream();
    let isAway = true;
    const tried: string[] = [];
    const handled: { id: string; attempt: number }[] = [];
    const handle: EventConsumerOptions['handle'] = ({ id }, { attempt }) => {
      tried.push(id);
      if (isAway) throw unavailable('The database did not answer in time');
      handled.push({ id, attempt });
    };
    consume(handle, { concurrency: 4, backoffMs: [600_000] });
    const events = Array.from({ length: 50 }, () => event());
    await publish(...events);
    await eventually(() => expect(tried.length).toBeGreaterThan(8));
    expect(new Set(tried)).toEqual(new Set(ids(events.slice(0, 4))));
    expect(await metrics.text()).toContain('\nparley_event_consumer_waiting 50\n');
    isAway = false;
    await eventually(() => expect(handled).toHaveLength(50));
    expect(new Set(handled.map(({ id }) => id))).toEqual(new Set(ids(events)));
    expect(new Set(handled.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    await allSettled();
  });

  it('that is in hand while something is away is another replica’s when its consumer closes', async () => {
    await openStream();
    let tried = 0;
    const consumer = consume(() => {
      tried += 1;
      throw unavailable('The database did not answer in time');
    });
    await publish(event());
    await eventually(() => expect(tried).toBeGreaterThan(0));
    await consumer.close();
    let handled = 0;
    consume(() => void (handled += 1));
    // Long before the server would take it for lost.
    await eventually(() => expect(handled).toBe(1), 3_000);
  });

  it('is given up at once when it is no event at all', async () => {
    await openStream();
    const handled: string[] = [];
    consume(({ id }) => void handled.push(id));
    const connection = await connect({ servers: `127.0.0.1:${port}` });
    for (const body of ['', '{', 'null', '[]', '{"id":1}']) connection.publish('consumer_spec.asked', body);
    await connection.drain();
    const good = event();
    await publish(good);
    await eventually(() => expect(handled).toEqual([good.id]));
    await allSettled();
    expect(await metrics.text()).toContain(
      'parley_event_deliveries_total{consumer="spec",outcome="malformed"} 5',
    );
  });
});

describe('what comes and goes', () => {
  it('the consumer waits for its stream', async () => {
    const handled: string[] = [];
    const consumer = consume(({ id }) => void handled.push(id));
    await openStream();
    const sent = event();
    await publish(sent);
    await eventually(() => expect(handled).toEqual([sent.id]));
    expect(consumer.consuming).toBe(true);
  });

  it('it goes on after NATS was killed and came back, from where it stopped', async () => {
    await openStream();
    const handled = new Set<string>();
    consume(({ id }) => void handled.add(id));
    const before = event();
    await publish(before);
    await eventually(() => expect(handled.size).toBe(1));
    await allSettled();
    await nats.kill();
    await eventually(() => expect(stream!.connected).toBe(false));
    nats = await start();
    await eventually(() => expect(stream!.connected).toBe(true));
    const after = event();
    await publish(after);
    await eventually(() => expect([...handled]).toEqual([before.id, after.id]));
  });

  it('it goes on after its stream was deleted and made again', async () => {
    await openStream();
    const handled: string[] = [];
    consume(({ id }) => void handled.push(id));
    await publish(event());
    await eventually(() => expect(handled).toHaveLength(1));
    await withStreams(({ streams }) => streams.delete(STREAM));
    const sent = event();
    // The first publish finds the stream gone and makes it.
    await eventually(() => publish(sent));
    await eventually(() => expect(handled[1]).toBe(sent.id));
  });

  it('closing finishes what is in hand; what is not in hand another replica gets', async () => {
    await openStream();
    const [begun, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const handled: string[] = [];
    const [first, second] = [event(), event()];
    const leaving = consume(
      async ({ id }) => {
        begun.resolve();
        await open.promise;
        handled.push(id);
      },
      { concurrency: 1 },
    );
    await publish(first);
    await begun.promise;
    const closed = leaving.close();
    await publish(second);
    const early = new Promise((resolve) => setTimeout(resolve, 2_500, 'still closing'));
    expect(await Promise.race([closed, early])).toBe('still closing');
    open.resolve();
    await closed;
    expect(handled).toEqual([first.id]);
    consume(({ id }) => void handled.push(id));
    await eventually(() => expect(handled).toEqual([first.id, second.id]));
    await allSettled();
  });

  it('closing while NATS is away takes no longer than its limit', async () => {
    const away = consume(() => undefined, { url: `nats://127.0.0.1:${await freePort()}` });
    await away.close();
    expect(away.consuming).toBe(false);
  });
});

/** What a consumer warns of: texts and reasons. */
function warningsOf(): { logger: Logger; warned: [string, string | undefined][] } {
  const warned: [string, string | undefined][] = [];
  const warn = (text: string, fields?: { error?: Error }) => void warned.push([text, fields?.error?.message]);
  return { logger: Object.assign(new Logger('events', 'silent'), { warn }), warned };
}

it('of a name that hears other events is not used, which shows', async () => {
  await openStream();
  consume(() => undefined, { subject: 'consumer_spec.told' });
  await eventually(() => expect(consumers[0]!.consuming).toBe(true));
  const { logger: spied, warned } = warningsOf();
  const other = new Metrics();
  consume(() => undefined, { logger: spied, metrics: other });
  await eventually(() => expect(warned).toEqual([[NOT_HEARD, OTHER_EVENTS]]));
  const [hears, deaf] = consumers.map(hearingLag);
  expect(await hears!.read()).toBe(0);
  // It has tried some times more by then, and says it once.
  await eventually(async () => expect(await deaf!.read()).toBeGreaterThan(2));
  expect(warned).toHaveLength(1);
  expect(await metrics.text()).toContain('\nparley_event_consumer_connected 1\n');
  expect(await other.text()).toContain('\nparley_event_consumer_connected 0\n');
});

it('says why it is not heard, also when that has become something else', async () => {
  await openStream();
  const { logger: spied, warned } = warningsOf();
  consume(() => undefined, { logger: spied });
  await eventually(() => expect(consumers[0]!.consuming).toBe(true));
  await withStreams(async (manager) => {
    await manager.consumers.delete(STREAM, 'spec');
    const filter = {
      durable_name: 'spec',
      filter_subject: 'consumer_spec.told',
      ack_policy: AckPolicy.Explicit,
    };
    await manager.consumers.add(STREAM, filter);
  });
  await eventually(() => expect(warned.at(-1)).toEqual([NOT_HEARD, OTHER_EVENTS]));
});

it('is not used where events in hand would be lost, and says so where some are given up early', async () => {
  await openStream();
  const { logger: spied, warned } = warningsOf();
  const make = (more: Partial<ConsumerConfig>) =>
    withStreams(({ consumers: at }) =>
      at.add(STREAM, { filter_subject: 'consumer_spec.asked', ack_policy: AckPolicy.Explicit, ...more }),
    );
  await make({ durable_name: 'careless', ack_policy: AckPolicy.None });
  await make({ durable_name: 'hasty', max_deliver: 3 });
  consume(() => undefined, { durable: 'careless', logger: spied });
  const hasty = consume(() => undefined, { durable: 'hasty', logger: spied });
  await eventually(() => expect(hasty.consuming).toBe(true));
  await eventually(() =>
    expect(warned.map((line) => line.join(': ')).sort()).toEqual([
      `${NOT_HEARD}: The consumer careless of ${STREAM} has the ack policy "none", so that events in hand would be lost: remove it`,
      `The consumer hasty of ${STREAM} gives an event up after 3 deliveries: `,
    ]),
  );
});
