import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { effort, eventually, tell } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { drained } from './testing/session-checks.ts';
import { insist, newStart, SessionApp } from './testing/session-app.ts';

const DUE = effort(5_000, 100_000);
/**
 * From the moment the replicas sweep. That 100,000 are drained within 10 s is the bench's to show, with a process for each
 * replica; here both share one, with the callers.
 */
const DRAIN_BUDGET_MS = effort(10_000, 60_000);

jest.setTimeout(effort(30_000, 300_000));

let app: SessionApp;

beforeEach(async () => {
  app = await SessionApp.create();
});
afterEach(() => app.close());

describe('sessions that all fall due within one second, while every replica is down', () => {
  it('expire once each when two replicas return, soon, and starts go on meanwhile (P5, P6, fault 20)', async () => {
    const base = newStart(app);
    await app.database.query(
      `INSERT INTO sessions (tenant_id, id, flow_id, flow_version, flow_name, contact_id, status, context,
         current_node_id, sequence, created_at, last_interaction_at, expires_at)
       SELECT $1, gen_random_uuid(), $2, 1, 'Due', gen_random_uuid(), 'running', '{}', 'start', 1,
         now() - interval '1 hour', now() - interval '1 hour', date_trunc('milliseconds', now() - n * interval '1 second' / $3)
       FROM generate_series(1, $3::int) AS n`,
      [base.tenantId, base.flowId, DUE],
    );
    await Promise.all([app.addReplica(), app.addReplica()]);
    const begun = performance.now();
    const starts = startUntil(base);

    await eventually(async () => {
      const [left] = await app.database.query<{ due: number }>(
        `SELECT count(*)::int AS due FROM sessions WHERE status = 'running' AND expires_at <= clock_timestamp()`,
      );
      expect(left!.due).toBe(0);
    }, DRAIN_BUDGET_MS * 5);
    const ms = Math.round(performance.now() - begun);
    const { latencies, unanswered } = await starts.stop();
    const slowest = Math.round(Math.max(...latencies));
    const measured = { due: DUE, ms, starts: latencies.length, slowest, unanswered };
    tell('Drain', measured);
    expect(ms).toBeLessThan(DRAIN_BUDGET_MS);
    // Latencies proper are the bench's; on a busy machine one or the other start is told to try again (P10).
    expect(unanswered).toBeLessThan(latencies.length);

    await drained(app.database, DRAIN_BUDGET_MS * 5);
    const [events] = await app.database.query(
      `SELECT count(*)::int AS events, count(DISTINCT subject)::int AS sessions,
         count(*) FILTER (WHERE sequence <> 2)::int AS misnumbered
       FROM outbox_events WHERE type = 'session.expired'`,
    );
    expect(events).toEqual({ events: DUE, sessions: DUE, misnumbered: 0 });
    expect(
      await app.database.query(`SELECT 1 FROM sessions WHERE status = 'expired' AND ended_at <> expires_at`),
    ).toEqual([]);
  });

  /** Starts sessions one after the other over both replicas; gives how long each took, in milliseconds. */
  function startUntil(base: ReturnType<typeof newStart>): {
    stop: () => Promise<{ latencies: number[]; unanswered: number }>;
  } {
    const latencies: number[] = [];
    let unanswered = 0;
    let going = true;
    const run = async (): Promise<void> => {
      for (let index = 0; going; index++) {
        const sent = performance.now();
        const request = { ...base, contactId: uuidv7() };
        const { lost } = await insist(() => app.start(request, app.clients[index % 2]));
        latencies.push(performance.now() - sent);
        unanswered += lost;
      }
    };
    const running = Promise.all([run(), run(), run(), run()]);
    return {
      stop: async () => {
        going = false;
        await running;
        return { latencies, unanswered };
      },
    };
  }
});
