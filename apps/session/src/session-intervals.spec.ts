import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call } from '@parley/grpc';
import pg from 'pg';
import { newStart, SessionApp } from './testing/session-app.ts';

let app: SessionApp;

beforeAll(async () => {
  app = await SessionApp.create();
  await app.addReplica({ EXPIRER: 'false' });
});
afterAll(() => app.close());

const cancel = (tenantId: string, id: string) => call(app.client, app.client.cancelSession, { tenantId, id });
/** The contact's two sessions, in their order. */
const bothOf = async (contactId: string): Promise<{ created_at: Date; ended_at: Date }[]> => {
  const sessions = await app.database.query<{ created_at: Date; ended_at: Date }>(
    'SELECT created_at, ended_at FROM sessions WHERE contact_id = $1 ORDER BY created_at, id',
    [contactId],
  );
  expect(sessions).toHaveLength(2);
  return sessions;
};

describe('a batch of starts that waits for another transaction', () => {
  it('begins a session no earlier than the one before it ended, which it did meanwhile (P1)', async () => {
    const waits = newStart(app, { contactId: '00000000-0000-7000-8000-000000000001' });
    const follows = { ...waits, contactId: '00000000-0000-7000-8000-000000000002' };
    const { outcomes } = await app.startAll([waits, follows]);
    const [one, two] = outcomes.map(({ outcome }) =>
      outcome?.$case === 'session' ? outcome.value.sessionId : '',
    );
    await cancel(waits.tenantId, one!);

    // Somebody else's start of the first contact, about to be taken back.
    const other = new pg.Client(app.database.url);
    await other.connect();
    await other.query('BEGIN');
    await other.query("UPDATE sessions SET status = 'running', ended_at = NULL WHERE id = $1", [one]);
    const batch = app.startAll([waits, follows]);
    await app.waitsFor('Lock');
    await cancel(waits.tenantId, two!);
    await other.query('ROLLBACK');
    await other.end();
    await batch;

    const [before, after] = await bothOf(follows.contactId);
    expect(after!.created_at.getTime()).toBeGreaterThanOrEqual(before!.ended_at.getTime());
  });
});

describe('a start that has read the clock, and not yet looked whether one runs', () => {
  it('begins a session no earlier than the one before it ended, which it did in between (P1)', async () => {
    const request = newStart(app);
    const { sessionId } = await app.start(request);
    // Between the two, which nothing else can be brought to stand in.
    await app.database.query(`
      CREATE FUNCTION stand() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END';
      CREATE TRIGGER stand BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION stand()`);
    const start = app.start(request);
    await app.waitsFor('Timeout');
    await cancel(request.tenantId, sessionId);
    expect((await start).sessionId).not.toBe(sessionId);

    const [before, after] = await bothOf(request.contactId);
    expect(after!.created_at.getTime()).toBeGreaterThanOrEqual(before!.ended_at.getTime());
  });
});
