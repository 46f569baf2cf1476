import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call } from '@parley/grpc';
import { eventually } from '@parley/testing';
import pg from 'pg';
import { newStart, SessionApp } from './testing/session-app.ts';

let app: SessionApp;

beforeAll(async () => {
  app = await SessionApp.create();
  await app.addReplica({ EXPIRER: 'false' });
});
afterAll(() => app.close());

describe('a batch of starts that waits for another transaction', () => {
  it('begins a session no earlier than the one before it ended, which it did meanwhile (P1)', async () => {
    const waits = newStart(app, { contactId: '00000000-0000-7000-8000-000000000001' });
    const follows = { ...waits, contactId: '00000000-0000-7000-8000-000000000002' };
    const { outcomes } = await app.startAll([waits, follows]);
    const [one, two] = outcomes.map(({ outcome }) =>
      outcome?.$case === 'session' ? outcome.value.sessionId : '',
    );
    const cancel = (id: string) =>
      call(app.client, app.client.cancelSession, { tenantId: waits.tenantId, id });
    await cancel(one!);

    // Somebody else's start of the first contact, about to be taken back.
    const other = new pg.Client(app.database.url);
    await other.connect();
    await other.query('BEGIN');
    await other.query("UPDATE sessions SET status = 'running', ended_at = NULL WHERE id = $1", [one]);
    const batch = app.startAll([waits, follows]);
    await eventually(async () => {
      const blocked = await app.database.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
      if (blocked.length === 0) throw new Error('The batch does not wait yet');
    });
    await cancel(two!);
    await other.query('ROLLBACK');
    await other.end();
    await batch;

    const [before, after] = await app.database.query<{ created_at: Date; ended_at: Date }>(
      'SELECT created_at, ended_at FROM sessions WHERE contact_id = $1 ORDER BY id',
      [follows.contactId],
    );
    expect(after!.created_at.getTime()).toBeGreaterThanOrEqual(before!.ended_at.getTime());
  });
});
