import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect, nanos, type NatsConnection } from '@nats-io/transport-node';
import { effort, eventually, EventProbe, tell } from '@parley/testing';
import { Rig } from './rig.ts';

const STREAM = 'PARLEY_SESSION';
/** A caller waits two seconds (P10), and the machine is shared. */
const PATIENCE_MS = 3_500;
/** From the first failed call until a start succeeds. */
const POSTGRES_BUDGET_MS = 15_000;
/** Three pings five seconds apart, then a publish that had timed out is made again. */
const NATS_BUDGET_MS = 25_000;

jest.setTimeout(effort(120_000, 900_000));

let rig: Rig;
let probe: EventProbe;
let nats: NatsConnection;
let streams: JetStreamManager['streams'];

beforeAll(async () => {
  rig = await Rig.start({ replicas: { session: 1 }, wired: true, silent: true });
  nats = await connect({ servers: rig.servers.nats.url });
  ({ streams } = await jetstreamManager(nats));
  probe = await EventProbe.open(STREAM, undefined, rig.servers.nats.url);
});
afterAll(async () => {
  await probe.close();
  await nats.close();
  await rig.stop();
});

/** One start, which has to be answered in time; gives its status. */
async function startInTime(): Promise<number> {
  const begun = Date.now();
  const answer = await rig.start();
  expect(Date.now() - begun).toBeLessThan(PATIENCE_MS);
  return answer!.status;
}
/** Starts one after the other until one succeeds; gives how many failed and how long that took. */
async function recover(): Promise<{ failed: number; ms: number }> {
  const begun = Date.now();
  for (let failed = 0; ; failed++) {
    const status = await startInTime();
    if (status === 201) return { failed, ms: Date.now() - begun };
    expect(status).toBe(503);
  }
}
const waiting = () => rig.query<{ subject: string }>('SELECT subject FROM outbox WHERE published_at IS NULL');
const drained = (withinMs?: number) => eventually(async () => expect(await waiting()).toEqual([]), withinMs);
/** How often an event of the session lies in the stream, by id. */
const copies = (id: string): number[] =>
  [...Map.groupBy(probe.of(id), (event) => event.id).values()].map((same) => same.length);
/** Lines of the session service's log at warn or above since `from`, that a person would look for. */
const alarms = (from: number): string[] =>
  rig.cluster
    .logOf('session')
    .slice(from)
    .split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line) && /event|stream/i.test(line));
const update = (config: Partial<StreamConfig>) => streams.update(STREAM, config);

// Half-open connections: the peer is gone and nobody was told. A wire in user space plays them, so the kernel still
// answers keepalive probes; that Parley gives a silent connection up by itself is what is tried.
describe('connections that fall silent', () => {
  it('to NATS and to Postgres are given up; callers are answered in time, events come once (P6, P10, fault 25)', async () => {
    await rig.startUntilAnswered();
    await drained();
    rig.wires!.nats.strand();
    const begun = Date.now();
    const during = await rig.startUntilAnswered();
    expect(await waiting()).toHaveLength(1);

    // Old ones and new ones.
    rig.wires!.postgres.pause();
    expect(await Promise.all([startInTime(), startInTime(), startInTime()])).toEqual([503, 503, 503]);
    rig.wires!.postgres.resume();
    expect((await recover()).ms).toBeLessThan(POSTGRES_BUDGET_MS);

    // Old ones only, and a pool full of them.
    await Promise.all(Array.from({ length: 100 }, () => rig.read(during)));
    rig.wires!.postgres.strand();
    const postgres = await recover();
    expect(postgres.ms).toBeLessThan(POSTGRES_BUDGET_MS);

    await drained(NATS_BUDGET_MS);
    tell('Silent connections', {
      'Postgres, failed calls': postgres.failed,
      'Postgres recovered after (ms)': postgres.ms,
      'NATS recovered after (ms)': Date.now() - begun,
    });
    expect(Date.now() - begun).toBeLessThan(NATS_BUDGET_MS);
    await eventually(() => expect(copies(during)).toEqual([1]));
  });
});

describe('an acknowledgement that is lost', () => {
  /** Swallows the word that the next event is stored, until NATS is connected anew. Gives the session. */
  async function loseAck(outMs: number): Promise<string> {
    let lost = 0;
    rig.wires!.nats.watch = ({ kind }) => {
      if (kind === 'ack') lost += 1;
      return kind === 'ack' ? 'hold' : undefined;
    };
    const id = await rig.startUntilAnswered();
    await eventually(() => {
      expect(probe.of(id)).toHaveLength(1);
      expect(lost).toBeGreaterThan(0);
    });
    expect(await waiting()).toEqual([{ subject: id }]);
    await new Promise((resolve) => setTimeout(resolve, outMs));
    rig.wires!.nats.watch = undefined;
    await rig.wires!.nats.cut();
    await rig.wires!.nats.mend();
    await drained(20_000);
    return id;
  }

  it('is asked for again, and the stream keeps one event (P6, fault 24)', async () => {
    for (let round = 0; round < effort(1, 20); round++) expect(copies(await loseAck(0))).toEqual([1]);
  });

  it('and asked for again after the duplicate window puts it there twice, with one id to know it by (P6, fault 24)', async () => {
    const { config } = await streams.info(STREAM);
    await update({ duplicate_window: nanos(200) });
    for (let round = 0; round < effort(1, 20); round++) {
      const id = await loseAck(1_000);
      await eventually(() => expect(copies(id)).toEqual([2]));
    }
    await update({ duplicate_window: config.duplicate_window });
  });
});

describe('a stream that cannot take an event', () => {
  it('because it is full: starts go on, the log says so, nothing is marked as sent, and all follow later (P6, fault 24)', async () => {
    await rig.startUntilAnswered();
    await drained();
    const { state, config } = await streams.info(STREAM);
    await update({ max_msgs: state.messages, discard: 'new' });
    const logged = rig.cluster.logOf('session').length;
    const ids = await Promise.all(Array.from({ length: effort(20, 2_000) }, () => rig.startUntilAnswered()));
    await eventually(() => expect(alarms(logged).join('\n')).toMatch(/maximum messages/));
    expect((await waiting()).map(({ subject }) => subject).toSorted()).toEqual(ids.toSorted());
    await update({ max_msgs: config.max_msgs, discard: config.discard });
    await drained();
    await eventually(() => expect(ids.map(copies)).toEqual(ids.map(() => [1])));
  });

  it('because another stream took its subjects: the log says so, and nothing is marked as sent (P6, fault 24)', async () => {
    await probe.close();
    await streams.delete(STREAM);
    await streams.add({ name: 'THIEF', subjects: ['session.>'] });
    const logged = rig.cluster.logOf('session').length;
    const id = await rig.startUntilAnswered();
    await eventually(() => expect(alarms(logged)).not.toEqual([]));
    expect((await waiting()).map(({ subject }) => subject)).toEqual([id]);
    await streams.delete('THIEF');
    await drained();
    probe = await EventProbe.open(STREAM, undefined, rig.servers.nats.url);
    await eventually(() => expect(copies(id)).toEqual([1]));
  });
});
