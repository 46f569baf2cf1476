import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, EventProbe } from '@parley/testing';
import { Cluster, type Answer } from './cluster.ts';

/** A caller waits two seconds (P10), and the machine is shared. */
const PATIENCE_MS = 4_000;

let cluster: Cluster;
let probe: EventProbe;
let flow: string;
let phones = 0;
/** Every id that was answered with 201. */
const started: string[] = [];

const trigger = async (): Promise<Answer> => {
  const phone = `+1415555${String((phones += 1)).padStart(4, '0')}`;
  const begun = Date.now();
  const answer = await cluster.trigger({ flow_id: flow, phone });
  expect(Date.now() - begun).toBeLessThan(PATIENCE_MS);
  if (answer.status === 201) started.push((answer.body as { id: string }).id);
  return answer;
};
const statuses = async (count: number): Promise<number[]> => {
  const answers: number[] = [];
  for (let index = 0; index < count; index++) answers.push((await trigger()).status);
  return answers;
};
const rows = async (): Promise<number> =>
  (await cluster.query<{ count: number }>('session', 'SELECT count(*)::int AS count FROM sessions'))[0]!
    .count;

beforeAll(async () => {
  cluster = await Cluster.start();
  probe = await EventProbe.open('PARLEY_SESSION', cluster.tenantIdOf());
  flow = await cluster.createFlow();
});
afterAll(async () => {
  await probe.close();
  await cluster.stop();
});

describe('SIGTERM under load', () => {
  it('of each session replica in turn fails no request, and the process exits 0 in time (P11)', async () => {
    let running = true;
    const failures: Answer[] = [];
    const callers = Array.from({ length: 8 }, async () => {
      while (running) {
        const answer = await trigger();
        if (answer.status !== 201) failures.push(answer);
      }
    });
    for (const name of ['session', 'session-2'] as const) {
      const begun = Date.now();
      expect(await cluster.terminate(name)).toBe(0);
      expect(Date.now() - begun).toBeLessThan(10_000);
      await cluster.restart(name);
      // The gateway calls it again, so the other one may go.
      await eventually(() => expect(cluster.logOf(name)).toContain('batchStartSessions'));
    }
    running = false;
    await Promise.all(callers);
    expect(failures.map(({ status, text }) => [status, text])).toEqual([]);
  });
});

describe('after kill -9', () => {
  it('of one session replica, the other goes on', async () => {
    expect(await statuses(5)).toEqual([201, 201, 201, 201, 201]);
    await cluster.kill('session-2');
    expect(await statuses(10)).toEqual(Array(10).fill(201));
    await cluster.restart('session-2');
    expect(await statuses(5)).toEqual([201, 201, 201, 201, 201]);
  });

  it.each(['contact', 'flow-catalog'] as const)(
    'of %s, triggers are 503 in time, write no session, and recover by themselves (P10)',
    async (name) => {
      // One that no gateway has in its cache.
      flow = await cluster.createFlow();
      await cluster.kill(name);
      const before = await rows();
      const answer = await trigger();
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.body).toEqual({ error: 'Service temporarily unavailable; try again' });
      expect(await rows()).toBe(before);
      await cluster.restart(name);
      // Who calls it tries again once a second at most. Each replica of session does for itself, and they take turns.
      await eventually(async () => expect(await statuses(2)).toEqual([201, 201]));
      expect(await statuses(3)).toEqual([201, 201, 201]);
    },
  );

  it('of both session replicas, too; and what fell due meanwhile expires on return (P5)', async () => {
    const [id] = started;
    await Promise.all([cluster.kill('session'), cluster.kill('session-2')]);
    await cluster.query('session', 'UPDATE sessions SET expires_at = clock_timestamp() WHERE id = $1', [id]);
    expect((await trigger()).status).toBe(503);
    await cluster.restart('session');
    await cluster.restart('session-2');
    expect(await statuses(3)).toEqual([201, 201, 201]);
    await eventually(() =>
      expect(probe.of(id!).map((event) => event.type)).toEqual([
        'session.started',
        'message.requested',
        'session.expired',
      ]),
    );
  });

  it('of the gateway, it comes back with the same tokens', async () => {
    await cluster.kill('gateway');
    await expect(trigger()).rejects.toThrow();
    await cluster.restart('gateway');
    expect(await statuses(3)).toEqual([201, 201, 201]);
  });

  it('every 201 is a row and exactly one event, and nothing else is (P2, P6)', async () => {
    await eventually(async () => {
      expect(await cluster.query('session', 'SELECT 1 FROM outbox WHERE published_at IS NULL')).toEqual([]);
    });
    const stored = await cluster.query<{ id: string }>('session', 'SELECT id FROM sessions');
    expect(new Set(stored.map(({ id }) => id))).toEqual(new Set(started));
    await eventually(() => {
      const events = probe.events.filter((event) => event.type === 'session.started');
      expect(events.map((event) => event.subject).sort()).toEqual(started.toSorted());
    });
  });
});
