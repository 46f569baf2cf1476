import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { effort, eventually, EventProbe, seed, tell } from '@parley/testing';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { check, History } from '../checker.ts';
import { Cluster, type Answer } from '../cluster.ts';
import { commands, Model, type Real } from './session-model.ts';
import { SessionReplicas } from './session-replicas.ts';

jest.setTimeout(effort(120_000, 3_600_000));

/** Debian's package faketime; its library gives a process another clock. */
const FAKETIME = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));
/** Two hours ahead and two hours behind. Monotonic time, which timers go by, is left alone. */
const SKEWED = { 'session-2': '+2h', 'gateway-2': '-2h' } as const;
const TTL_MS = 30 * 60_000;

let cluster: Cluster;
let probe: EventProbe;
let replicas: SessionReplicas;
let flow: string;

beforeAll(async () => {
  cluster = await Cluster.start({
    replicas: { gateway: 2 },
    settings: (name): Record<string, string> =>
      FAKETIME !== undefined && name in SKEWED
        ? { LD_PRELOAD: FAKETIME, FAKETIME: SKEWED[name as 'session-2'], FAKETIME_DONT_FAKE_MONOTONIC: '1' }
        : {},
  });
  probe = await EventProbe.open('PARLEY_SESSION', cluster.tenantIdOf());
  flow = await cluster.createFlow({ ttl: TTL_MS / 60_000, silent: true });
  replicas = new SessionReplicas(cluster, flow);
});
afterAll(async () => {
  replicas.close();
  await probe.close();
  await cluster.stop();
});

const rows = (ids: string[]) =>
  cluster.query<{ id: string; status: string; age: number; ttl: number }>(
    'session',
    `SELECT id, status, extract(epoch FROM clock_timestamp() - created_at)::float AS age,
       extract(epoch FROM expires_at - created_at)::float * 1000 AS ttl FROM sessions WHERE id = ANY($1)`,
    [ids],
  );

const skewed = FAKETIME === undefined ? describe.skip : describe;
skewed(
  `replicas whose clocks are two hours off${FAKETIME === undefined ? ' (skipped: the Debian package faketime is missing)' : ''}`,
  () => {
    const trigger = async (gateway: string, phone: string, key: string): Promise<Answer> => {
      const response = await fetch(`${gateway}/api/v1/actions/trigger-flow`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${cluster.tokenOf()}`,
          'Content-Type': 'application/json',
          'Idempotency-Key': key,
        },
        body: JSON.stringify({ flow_id: flow, phone }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
    };

    it('run with the clocks they were given (fault 19)', () => {
      const [ahead] = cluster.logOf('session-2').split('\n');
      const [time] = /\d{4}-\d\d-\d\dT[^"]+/.exec(ahead!)!;
      expect(Date.parse(time) - Date.now()).toBeGreaterThan(TTL_MS);
    });

    it("answer every call, at once, and repeat each other's answers (P9, P10, fault 19)", async () => {
      for (let index = 0; index < effort(20, 500); index++) {
        const key = uuidv7();
        const begun = Date.now();
        const answers = [];
        for (const gateway of cluster.gateways)
          answers.push(await trigger(gateway, `+1415556${String(index).padStart(4, '0')}`, key));
        expect(Date.now() - begun).toBeLessThan(4_000);
        expect(answers.map(({ status }) => status)).toEqual([201, 201]);
        expect(answers[1]!.body).toEqual(answers[0]!.body);
      }
    });

    it("give sessions the database's times, and end them by it: none early, none late, each once (P5, I6, I7, fault 19)", async () => {
      const ids: string[] = [];
      for (let index = 0; index < effort(20, 500); index++)
        ids.push((await replicas.start(index % 2)).sessionId);
      for (const { age, ttl } of await rows(ids)) {
        expect(age).toBeLessThan(60);
        expect(age).toBeGreaterThanOrEqual(0);
        expect(ttl).toBe(TTL_MS);
      }
      // The replica that is ahead sweeps alone: by its own clock all of them are long past.
      await replicas.kill(0);
      await cluster.query(
        'session',
        `UPDATE sessions SET expires_at = date_trunc('milliseconds', clock_timestamp() + interval '1 second') WHERE id = ANY($1)`,
        [ids.slice(10)],
      );
      await probe.waitFor('session.expired', ids.length - 10);
      expect((await rows(ids.slice(0, 10))).map(({ status }) => status)).toEqual(Array(10).fill('running'));
      for (const event of ids.slice(10).flatMap((id) => probe.of(id))) {
        if (event.type !== 'session.expired') continue;
        const late = Date.parse(event.time) - Date.parse(String(event.data['expires_at']));
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThan(2_000);
      }
      for (const id of ids.slice(10)) expect(probe.of(id).map(({ sequence }) => sequence)).toEqual([1, 2]);
      await replicas.restart(0);
    });

    it('give pages that hold every session once, though ids are in the order of the clocks that made them (fault 19)', async () => {
      const tenantFlow = await cluster.createFlow();
      const ids: string[] = [];
      for (let index = 0; index < 20; index++)
        ids.push((await replicas.start(index % 2, replicas.request({ flowId: tenantFlow }))).sessionId);
      const seen: string[] = [];
      let query = '';
      do {
        const { body } = await cluster.request('GET', `/sessions?flow_id=${tenantFlow}&limit=3${query}`);
        const { data, next } = body as { data: { id: string }[]; next: string | null };
        seen.push(...data.map(({ id }) => id));
        query = next === null ? '' : `&after=${next}`;
      } while (query !== '');
      expect(seen.toSorted()).toEqual(ids.toSorted());
    });
  },
);

describe('any sequence of starts, replies, cancels, time passing, reads and killed replicas', () => {
  it('does what a model of fifty lines does (P1, P2, P4, P6, P9, fault 18)', async () => {
    const history = new History();
    const talking = new SessionReplicas(cluster, await cluster.createFlow({ converses: true, ttl: 1_440 }));
    const runs: { model: Model; contacts: string[]; kills: number }[] = [];
    const newRun = (): { model: Model; real: Real } => {
      const run = { model: new Model(), contacts: [uuidv7(), uuidv7(), uuidv7()], kills: 0 };
      runs.push(run);
      return { model: run.model, real: talking.real(run, history) };
    };
    const property = fc.asyncProperty(commands(), (sequence) => fc.asyncModelRun(newRun, sequence));
    const limits = { numRuns: effort(8, 150), interruptAfterTimeLimit: effort(60_000, 3_000_000) };
    await fc.assert(property, { ...limits, seed: seed() });
    talking.close();
    const kills = runs.reduce((sum, run) => sum + run.kills, 0);
    tell('Model', { runs: runs.length, kills });

    // Once swept, rows say the same; and events, once published.
    await eventually(async () => {
      for (const { model, contacts } of runs) {
        const stored = await cluster.query<{ contact: number; id: string; status: string }>(
          'session',
          'SELECT array_position($1::uuid[], contact_id) - 1 AS contact, id, status FROM sessions WHERE contact_id = ANY($1)',
          [contacts],
        );
        const expected = [...model.sessions].flatMap(([contact, list]) =>
          list.map((one) => ({ contact, ...one })),
        );
        const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
        expect(stored.toSorted(byId)).toEqual(expected.toSorted(byId));
      }
    });
    expect(await check(history, { query: (text) => cluster.query('session', text), probe })).toEqual([]);
  });
});
