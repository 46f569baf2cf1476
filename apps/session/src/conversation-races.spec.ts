import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ReplyResult, SessionStatus, type SubmitReplyRequest } from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { call } from '@parley/grpc';
import { effort, eventually, EventProbe } from '@parley/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { insist, newStart, SessionApp } from './testing/session-app.ts';
import { drained } from './testing/session-checks.ts';

/** Of each pair. */
const ROUNDS = effort(250, 1_000);
const AT_ONCE = 50;
/** A message that is for two sessions. */
const TWINS = 20;
/** As long as a sweep may take to come by: so that either may be first. */
const SPREAD_MS = 400;

const FLOW = {
  nodes: [
    { id: 'start', type: 'entry' },
    {
      id: 'ask',
      type: 'ask',
      data: {
        text: '?',
        choices: [
          { id: 'yes', title: 'Yes' },
          { id: 'no', title: 'No' },
        ],
        timeout_minutes: 10,
      },
    },
    { id: 'answered', type: 'end', data: { outcome: 'answered' } },
    { id: 'refused', type: 'end', data: { outcome: 'refused' } },
    { id: 'late', type: 'end', data: { outcome: 'late' } },
  ],
  edges: [
    { source: 'start', target: 'ask' },
    { source: 'ask', sourceHandle: 'yes', target: 'answered' },
    { source: 'ask', sourceHandle: 'no', target: 'refused' },
    { source: 'ask', sourceHandle: 'timeout', target: 'late' },
  ],
};

let app: SessionApp;

beforeAll(async () => {
  app = await SessionApp.create();
  await app.addReplica();
  await app.addReplica();
});
afterAll(() => app.close());

const submit = (tenantId: string, sessionId: string, text: string, replica: number) => {
  const client = app.clients[replica]!;
  const request: SubmitReplyRequest = {
    tenantId,
    sessionId,
    text,
    contactId: '',
    payload: '',
    waitId: 0,
    messageId: `${sessionId}.${text}`,
  };
  return call(client, client.submitReply, request);
};

/** Whether the reply was taken; an ended session refuses it. Asked again where the answer was lost, by its message id. */
async function replied(tenantId: string, id: string, text: string, replica: number): Promise<boolean> {
  try {
    await insist(() => submit(tenantId, id, text, replica));
    return true;
  } catch (error) {
    if (error instanceof DomainError && error.reason === 'SESSION_NOT_RUNNING') return false;
    throw error;
  }
}

/** Of the reply, in ms: a cancel is faster. Grows fast and shrinks so that both win some, however busy the machine. */
let lead = 0;

type Rival = 'timeout' | 'expiry' | 'cancel' | 'reply';

const RIVALS: Record<Rival, (tenantId: string, id: string) => Promise<unknown>> = {
  timeout: (_tenantId, id) =>
    app.database.query('UPDATE sessions SET wait_until = clock_timestamp() WHERE id = $1', [id]),
  expiry: (_tenantId, id) => app.setExpiry(id, '0 seconds'),
  cancel: async (tenantId, id) => {
    await sleep(lead + Math.random() * 5);
    const client = app.clients[1]!;
    await call(client, client.cancelSession, { tenantId, id }).catch(() => undefined);
  },
  reply: async (tenantId, id) => {
    await sleep(Math.random() * 5);
    await replied(tenantId, id, 'no', 1);
  },
};

/** How a session ends that the reply did not end. */
const ENDS: Record<Rival, [SessionStatus, string]> = {
  timeout: [SessionStatus.COMPLETED, 'late'],
  expiry: [SessionStatus.EXPIRED, ''],
  cancel: [SessionStatus.CANCELLED, ''],
  reply: [SessionStatus.COMPLETED, 'refused'],
};

describe('a reply against', () => {
  it.each(Object.keys(RIVALS) as Rival[])(
    `a %s, ${ROUNDS} rounds: the first commit wins, the other changes nothing and is noted, each end has one event (P6, fault 16)`,
    async (rival) => {
      const base = newStart(app);
      const { tenantId } = base;
      app.flowCatalog.publish(tenantId, base.flowId, { definition: JSON.stringify(FLOW) });
      const probe = await EventProbe.open('PARLEY_SESSION', tenantId);
      const won = { reply: 0, rival: 0 };
      lead = 0;
      for (let round = 0; round < ROUNDS; round += AT_ONCE) {
        const starts = Array.from({ length: AT_ONCE }, () => ({ ...base, contactId: uuidv7() }));
        const { answer } = await insist(() => app.startAll(starts));
        const ids = answer.outcomes.map(({ outcome }) =>
          outcome?.$case === 'session' ? outcome.value.sessionId : '',
        );
        await Promise.all(
          ids.map(async (id) => {
            const waits = rival === 'timeout' || rival === 'expiry' ? SPREAD_MS : 5;
            const [, accepted] = await Promise.all([
              RIVALS[rival](tenantId, id),
              sleep(Math.random() * waits).then(() => replied(tenantId, id, 'yes', 0)),
            ]);
            won[accepted ? 'reply' : 'rival'] += 1;
            const session = await eventually(async () => {
              const { session } = await call(app.client, app.client.getSession, { tenantId, id });
              if (session!.status === SessionStatus.RUNNING) throw new Error('still running');
              return session!;
            });
            const expected = accepted ? [SessionStatus.COMPLETED, 'answered'] : ENDS[rival];
            expect([session.status, session.outcome]).toEqual(expected);
            const request = { tenantId, id, afterNumber: 2, pageSize: 0 };
            const { entries } = await call(app.client, app.client.getTimeline, request);
            const types = entries.map(({ type }) => type);
            expect(types.filter((type) => /^(completed|expired|cancelled)$/.test(type))).toHaveLength(1);
            if (!accepted) expect(types).toContain('ignored');
          }),
        );
        lead = won.reply < won.rival ? 2 * lead + 10 : Math.max(0, lead - 10);
      }
      await drained(app.database);
      await probe.waitFor('session.started', ROUNDS);
      const marks = await app.database.query<{ id: string; sequence: number }>(
        'SELECT id, sequence FROM sessions WHERE tenant_id = $1',
        [tenantId],
      );
      expect(marks).toHaveLength(ROUNDS);
      await eventually(() => {
        for (const { id, sequence } of marks) expect(probe.of(id)).toHaveLength(sequence);
      });
      for (const { id } of marks) {
        const events = probe.of(id);
        expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
        expect(events[2]!.type).toMatch(/^session\.(completed|expired|cancelled)$/);
      }
      await probe.close();
      // Both have won some: it was a race.
      expect(Math.min(won.reply, won.rival)).toBeGreaterThan(0);
    },
    effort(120_000, 900_000),
  );
});

it('a reply to a contact whose newest wait ends meanwhile goes to the one before it', async () => {
  const older = newStart(app);
  const newer = newStart(app, { tenantId: older.tenantId, contactId: older.contactId });
  for (const { tenantId, flowId } of [older, newer])
    app.flowCatalog.publish(tenantId, flowId, { definition: JSON.stringify(FLOW) });
  const first = await app.start(older);
  const second = await app.start(newer);
  const other = new pg.Client(app.database.url);
  await other.connect();
  await other.query('BEGIN');
  await other.query(
    `UPDATE sessions SET status = 'cancelled', ended_at = now(), wait_kind = NULL, wait_until = NULL WHERE id = $1`,
    [second.sessionId],
  );
  const reply = call(app.client, app.client.submitReply, {
    tenantId: older.tenantId,
    sessionId: '',
    contactId: older.contactId,
    text: 'yes',
    payload: '',
    waitId: 0,
    messageId: 'wamid.1',
  });
  await app.waitsFor('Lock');
  await other.query('COMMIT');
  await other.end();
  expect(await reply).toMatchObject({ result: ReplyResult.ACCEPTED, session: { id: first.sessionId } });
});

it('cancelling the sessions of a flow waits for one that somebody has in hand', async () => {
  const start = newStart(app);
  const { sessionId } = await app.start(start);
  const other = new pg.Client(app.database.url);
  await other.connect();
  await other.query('BEGIN');
  await other.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [sessionId]);
  const { tenantId, flowId } = start;
  const cancelling = call(app.client, app.client.cancelFlowSessions, { tenantId, flowId });
  await app.waitsFor('Lock');
  // As a reply does, after which the session waits on.
  await other.query('UPDATE sessions SET last_interaction_at = clock_timestamp() WHERE id = $1', [sessionId]);
  await other.query('COMMIT');
  await other.end();
  expect(await cancelling).toEqual({ cancelled: 1 });
  const { session } = await call(app.client, app.client.getSession, { tenantId, id: sessionId });
  expect(session!.status).toBe(SessionStatus.CANCELLED);
});

it('the times of a reply are those at which it was taken, whatever it waited for before', async () => {
  const start = newStart(app);
  app.flowCatalog.publish(start.tenantId, start.flowId, { definition: JSON.stringify(FLOW) });
  const { sessionId } = await app.start(start);
  const other = new pg.Client(app.database.url);
  await other.connect();
  await other.query('BEGIN');
  await other.query('SELECT FROM sessions WHERE id = $1 FOR UPDATE', [sessionId]);
  const reply = submit(start.tenantId, sessionId, 'yes', 0);
  await app.waitsFor('Lock');
  const { rows } = await other.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  await other.query('COMMIT');
  await other.end();
  const { session } = await reply;
  expect(session!.status).toBe(SessionStatus.COMPLETED);
  expect(session!.endedAt!.getTime()).toBeGreaterThanOrEqual(rows[0]!.now.getTime());
});

it('a session whose time is up before a reply is written stays expired: what was seen of it is not taken back', async () => {
  const start = newStart(app);
  app.flowCatalog.publish(start.tenantId, start.flowId, { definition: JSON.stringify(FLOW) });
  const { tenantId, contactId } = start;
  const { sessionId: id } = await app.start(start);
  const other = new pg.Client(app.database.url);
  await other.connect();
  await other.query('BEGIN');
  await other.query(
    `INSERT INTO contact_replies (tenant_id, contact_id, message_id, session_id, result, created_at)
     VALUES ($1, $2, $3, $4, 'accepted', now())`,
    [tenantId, contactId, `${id}.yes`, id],
  );
  await app.setExpiry(id, '500 milliseconds');
  const reply = submit(tenantId, id, 'yes', 0).catch((error: unknown) => error);
  await app.waitsFor('Lock');
  const session = await eventually(async () => {
    const { session } = await call(app.client, app.client.getSession, { tenantId, id });
    expect(session!.status).toBe(SessionStatus.EXPIRED);
    return session!;
  });
  await other.query('ROLLBACK');
  await other.end();
  expect(await reply).toMatchObject({ reason: 'SESSION_NOT_RUNNING' });
  const { session: later } = await call(app.client, app.client.getSession, { tenantId, id });
  expect(later).toMatchObject({ status: SessionStatus.EXPIRED, endedAt: session.endedAt });
});

it(`a message that comes to two sessions of its contact at once is taken by one, ${TWINS} times (P3)`, async () => {
  for (let round = 0; round < TWINS; round++) {
    const first = newStart(app);
    const second = newStart(app, { tenantId: first.tenantId, contactId: first.contactId });
    for (const { tenantId, flowId } of [first, second])
      app.flowCatalog.publish(tenantId, flowId, { definition: JSON.stringify(FLOW) });
    const ids = [(await app.start(first)).sessionId, (await app.start(second)).sessionId];
    const answers = await Promise.all(
      ids.map((sessionId, replica) =>
        insist(() => {
          const client = app.clients[replica]!;
          const message = { contactId: '', payload: '', waitId: 0, messageId: 'wamid.1' };
          return call(client, client.submitReply, {
            tenantId: first.tenantId,
            sessionId,
            text: 'yes',
            ...message,
          });
        }),
      ),
    );
    expect(new Set(answers.map(({ answer }) => answer.session!.id)).size).toBe(1);
    const ended = await app.database.query(
      'SELECT FROM sessions WHERE tenant_id = $1 AND ended_at IS NOT NULL',
      [first.tenantId],
    );
    expect(ended).toHaveLength(1);
  }
});
