import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SessionStatus, StartResult } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { eventually, EventProbe } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';

/** P5 allows two seconds. */
const BUDGET_MS = 2_000;

let app: SessionApp;

beforeEach(async () => {
  app = await SessionApp.create();
});
afterEach(() => app.close());

describe('expiry', () => {
  it('comes by the clock, without traffic, within two seconds and once, with two replicas (P5)', async () => {
    await app.addReplica();
    await app.addReplica();
    const base = newStart(app);
    const requests = Array.from({ length: 50 }, () => ({ ...base, contactId: uuidv7() }));
    const { outcomes } = await app.startAll(requests);
    const ids = outcomes.map(({ outcome }) => (outcome?.$case === 'session' ? outcome.value.sessionId : ''));
    const probe = await EventProbe.open('PARLEY_SESSION', base.tenantId);
    await Promise.all(ids.map((id) => app.setExpiry(id, '1 second')));

    const expired = await probe.waitFor('session.expired', 50);
    for (const event of expired) {
      const late = Date.parse(event.time) - Date.parse(String(event.data['expires_at']));
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(BUDGET_MS);
      expect(event.data['ended_at']).toBe(event.data['expires_at']);
    }
    await drained();
    for (const id of ids) {
      expect(probe.of(id).map(({ type, sequence }) => [type, sequence])).toEqual([
        ['session.started', 1],
        ['session.expired', 2],
      ]);
    }
    await probe.close();
  });

  it('reaches sessions that fell due while every replica was down, once each (P5)', async () => {
    await app.addReplica({ EXPIRER: 'false' });
    const requests = Array.from({ length: 20 }, () => newStart(app));
    await app.startAll(requests);
    await drained();
    await app.closeReplicas();
    await app.database.query(`UPDATE sessions SET expires_at = created_at + interval '1 millisecond'`);

    await Promise.all([app.addReplica(), app.addReplica()]);
    await eventually(async () => {
      const rows = await app.database.query(
        `SELECT 1 FROM sessions WHERE status = 'expired' AND ended_at = expires_at`,
      );
      expect(rows).toHaveLength(20);
    });
    const events = await app.database.query<{ subject: string }>(
      `SELECT subject FROM outbox_events WHERE type = 'session.expired'`,
    );
    expect(new Set(events.map((event) => event.subject)).size).toBe(20);
    expect(events).toHaveLength(20);
  });

  it('is not turned into a cancel of its flow, before its row says it has come (P5)', async () => {
    await app.addReplica({ EXPIRER: 'false' });
    const start = newStart(app);
    const { tenantId, flowId } = start;
    const { sessionId: id } = await app.start(start);
    await app.setExpiry(id, '0 seconds');
    expect(await call(app.client, app.client.cancelFlowSessions, { tenantId, flowId })).toEqual({
      cancelled: 0,
    });
    const { session } = await call(app.client, app.client.getSession, { tenantId, id });
    expect(session!.status).toBe(SessionStatus.EXPIRED);
  });

  it('leaves alone what is not due (P5)', async () => {
    await app.addReplica();
    const [due, running] = [newStart(app), newStart(app)];
    const { sessionId } = await app.start(running);
    const { sessionId: dueId } = await app.start(due);
    await app.setExpiry(sessionId, '1 hour');
    await app.setExpiry(dueId, '0 seconds');
    const statusOf = async (tenantId: string, id: string): Promise<SessionStatus> =>
      (await call(app.client, app.client.getSession, { tenantId, id })).session!.status;
    await eventually(async () => {
      expect(await app.database.query(`SELECT 1 FROM sessions WHERE status = 'expired'`)).toHaveLength(1);
    });
    expect(await statusOf(running.tenantId, sessionId)).toBe(SessionStatus.RUNNING);
    expect(await statusOf(due.tenantId, dueId)).toBe(SessionStatus.EXPIRED);
  });

  it('racing a start, a cancel and the sweep gives one end and never two running sessions (P1, P4, P5)', async () => {
    await app.addReplica();
    await app.addReplica();
    const request = newStart(app);
    for (let round = 0; round < 25; round++) {
      const { sessionId: id } = await app.start(request);
      await app.setExpiry(id, round % 2 === 0 ? '0 seconds' : '20 milliseconds');
      const [cancelled, ...starts] = await Promise.all([
        call(app.client, app.client.cancelSession, { tenantId: request.tenantId, id }).then(
          () => true,
          () => false,
        ),
        app.start(request, app.clients[0]),
        app.start(request, app.clients[1]),
      ]);
      const [row] = await app.database.query<{ status: string }>(
        'SELECT status FROM sessions WHERE id = $1',
        [id],
      );
      if (cancelled) expect(row!.status).toBe('cancelled');
      expect(starts.filter((start) => start.result === StartResult.STARTED).length).toBeLessThanOrEqual(1);
      // Whatever runs now makes room for the next round.
      await app.database.query(`UPDATE sessions SET expires_at = created_at WHERE status = 'running'`);
    }
    await eventually(async () => {
      expect(await app.database.query(`SELECT 1 FROM sessions WHERE status = 'running'`)).toEqual([]);
    });
    const wrong = await app.database.query(
      `SELECT id FROM sessions s WHERE
         (SELECT array_agg(sequence ORDER BY sequence) FROM outbox_events WHERE subject = s.id::text) <> '{1,2}'`,
    );
    expect(wrong).toEqual([]);
  });
});

/** Every event has been published. */
async function drained(): Promise<void> {
  await eventually(async () => {
    expect(await app.database.query('SELECT 1 FROM outbox WHERE published_at IS NULL')).toEqual([]);
  });
}
