import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@parley/testing';
import { judge } from './checker.ts';
import type { Evidence, OutboxRow, ReplyRow, SessionRow, SprintRow } from './evidence.ts';
import { History, type Call } from './history.ts';
import { storedTwice } from './event-invariants.ts';
import { compare, heldBy, type Resources } from './resources.ts';

const BEGIN = Date.parse('2026-05-07T08:00:00Z');
const at = (minutes: number): Date => new Date(BEGIN + minutes * 60_000);
const MINUTE = 60_000;

/** A session of half an hour that ran from minute 0, and expired a second after its time. */
const row = (over: Partial<SessionRow> = {}): SessionRow => ({
  tenantId: 'acme',
  id: 's1',
  flowId: 'cart',
  contactId: 'ann',
  status: 'expired',
  sequence: 2,
  createdAt: at(0),
  expiresAt: at(30),
  endedAt: at(30),
  entries: 2,
  endEntry: 2,
  shownStatus: 'expired',
  shownAt: at(60),
  ...over,
});
const event = (over: Partial<RecordedEvent> = {}): RecordedEvent => ({
  id: 'e1',
  type: 'session.started',
  source: '/parley/session',
  subject: 's1',
  tenantid: 'acme',
  sequence: 1,
  time: at(0).toISOString(),
  data: {},
  ...over,
});
const expiry = (over: Partial<RecordedEvent> = {}): RecordedEvent =>
  event({
    id: 'e2',
    type: 'session.expired',
    sequence: 2,
    time: new Date(+at(30) + 1_000).toISOString(),
    ...over,
  });
const sent = (over: Partial<OutboxRow> = {}): OutboxRow => ({
  tenantId: 'acme',
  id: 'e1',
  type: 'session.started',
  subject: 's1',
  sequence: 1,
  publishedAt: at(0),
  ...over,
});
const call = (over: Partial<Call> = {}): Call => ({
  kind: 'start',
  tenantId: 'acme',
  key: 'k1',
  flow: 'cart',
  body: { flow_id: 'cart' },
  outcome: 'ok',
  status: 201,
  answer: { id: 's1' },
  sessionId: 's1',
  contactId: 'ann',
  started: true,
  sentAt: BEGIN - 10,
  answeredAt: BEGIN + 10,
  ...over,
});
const evidence = (over: Partial<Evidence> = {}): Evidence => ({
  sessions: [row()],
  sprints: [sprint()],
  replies: [],
  outbox: [sent(), sent({ id: 'e2', type: 'session.expired', sequence: 2 })],
  events: [event(), expiry()],
  ...over,
});
const sprint = (over: Partial<SprintRow> = {}): SprintRow => ({
  sessionId: 's1',
  firstEntry: 1,
  at: at(0),
  entries: [{ type: 'started', detail: {} }],
  ...over,
});
const names = (calls: Call[], left: Evidence, lateMs?: number): string[] =>
  judge(calls, left, lateMs).map(({ name }) => name);

describe('the checker', () => {
  it('finds nothing where nothing is wrong, repeated events and answers included', () => {
    const again = call({ replayed: true, sentAt: BEGIN + 40 * MINUTE, answeredAt: BEGIN + 41 * MINUTE });
    const lost = call({ outcome: 'unknown', status: 503, sessionId: undefined, answer: 'timeout' });
    const repeated = evidence({ events: [event(), expiry(), event(), expiry()] });
    expect(judge([call(), again, lost], repeated)).toEqual([]);
  });

  it('leaves other tenants out, whose events lie in the same stream', () => {
    const others = [event({ id: 'x', subject: 'x1', tenantid: 'other' }), event(), expiry()];
    expect(judge([call()], evidence({ events: others }))).toEqual([]);
  });

  it.each([
    ['running twice', { id: 's2', status: 'running', createdAt: at(31), endedAt: null }, 'running'],
    ['started before the one before it ended', { id: 's2', createdAt: at(29) }, 'expired'],
  ] as const)('finds a contact whose session is %s (I1)', (_, over, status) => {
    const first = row(
      status === 'running' ? { status, endedAt: null, shownStatus: status, shownAt: at(5) } : {},
    );
    expect(names([call()], evidence({ sessions: [first, row(over)] }))).toContain('I1');
  });

  it('finds no overlap where a session starts as the one before it is due (I1)', () => {
    const second = row({ id: 's2', createdAt: at(30), expiresAt: at(60), endedAt: at(60) });
    expect(names([call()], evidence({ sessions: [row(), second] }))).not.toContain('I1');
  });

  it.each([
    ['is no row', { sessionId: 's9' }],
    ['is of another flow', { flow: 'menu' }],
    ['is of another contact', { contactId: 'bob' }],
  ])('finds an acknowledged id that %s (I2)', (_, over) => {
    expect(names([call(over)], evidence())).toContain('I2');
  });

  it('finds a session that was told to have ended otherwise, or has not (I2)', () => {
    const cancelled = call({ key: undefined, kind: 'cancel', seen: [{ id: 's1', status: 'cancelled' }] });
    expect(names([call(), cancelled], evidence())).toEqual(['I2']);
    const read = call({ key: undefined, kind: 'read', seen: [{ id: 's1', status: 'expired' }] });
    expect(names([call(), read], evidence())).toEqual([]);
  });

  it.each([
    ['two answers', { answer: { id: 's2' } }],
    ['two statuses', { status: 200 }],
    ['two bodies', { body: { flow_id: 'menu' } }],
    [
      'an answer and then a refusal',
      { outcome: 'refused', status: 422, sessionId: undefined, sentAt: BEGIN + 20 },
    ],
  ] as const)('finds a key with %s (I3)', (_, over) => {
    const later = call({ answeredAt: BEGIN + 30, ...over });
    expect(names([call(), later], evidence())).toEqual(['I3']);
  });

  it('finds no fault with a key that was used for another body and refused, or limited by its rate (I3)', () => {
    const refused = { outcome: 'refused', status: 422, sentAt: BEGIN + 20, sessionId: undefined } as const;
    const calls = [call(), call({ ...refused, body: {} }), call({ ...refused, status: 429 })];
    expect(judge(calls, evidence())).toEqual([]);
  });

  it.each([
    ['no start', [expiry({ sequence: 1 })]],
    ['two starts', [event(), event({ id: 'e3' }), expiry()]],
    ['no end', [event()]],
    ['two ends', [event(), expiry(), expiry({ id: 'e3', sequence: 3 })]],
    ['an end its row does not have', [event(), expiry({ type: 'session.cancelled' })]],
    ['no row', [event(), expiry(), event({ id: 'e3', subject: 's9' })]],
    ['two contents under one id', [event(), expiry(), event({ data: { status: 'other' } })]],
  ])('finds a session with %s (I4)', (_, events) => {
    expect(names([call()], evidence({ outbox: [], events }))).toContain('I4');
  });

  it('finds an event that is marked as published and is not in the stream (I4)', () => {
    const outbox = [sent(), sent({ id: 'e9' })];
    expect(names([call()], evidence({ outbox }))).toEqual(['I4']);
  });

  it('finds an event that the stream holds twice, where it may not (I4)', () => {
    expect(storedTwice([event(), expiry(), event()])).toEqual([{ name: 'I4', text: expect.any(String) }]);
    expect(storedTwice([event(), expiry()])).toEqual([]);
  });

  it.each([
    ['out of order', [expiry(), event()]],
    ['with a gap', [event(), expiry({ sequence: 3 })]],
    ['that begin with 0', [event({ sequence: 0 }), expiry({ sequence: 1 })]],
  ])('finds events of a session %s (I5)', (_, events) => {
    expect(names([call()], evidence({ events }))).toEqual(['I5']);
  });

  it('finds a session that has more events than its row says, or fewer (I5)', () => {
    expect(names([call()], evidence({ sessions: [row({ sequence: 3 })] }))).toEqual(['I5']);
  });

  it('finds an expiry that is early, or later than it may be (I6)', () => {
    const early = evidence({ events: [event(), expiry({ time: new Date(+at(30) - 1).toISOString() })] });
    expect(names([call()], early)).toEqual(['I6']);
    const late = evidence({ events: [event(), expiry({ time: new Date(+at(30) + 2_001).toISOString() })] });
    expect(names([call()], late)).toEqual(['I6']);
    expect(names([call()], late, Infinity)).toEqual([]);
    expect(names([call()], evidence({ sessions: [row({ endedAt: at(31) })] }))).toEqual(['I6']);
  });

  it.each([
    ['the view', {}, { shownStatus: 'running' }],
    ['a read', { kind: 'read', seen: [{ id: 's1', status: 'running' }] }, {}],
    ['a start', { started: false, status: 200 }, {}],
  ])('finds %s that shows a session as running past its time (I7)', (_, over, state) => {
    const later = call({ key: undefined, sentAt: +at(30), answeredAt: +at(31), ...over });
    expect(names([call(), later], evidence({ sessions: [row(state)] }))).toEqual(['I7']);
  });

  it.each([
    ['an answer', { tenantId: 'rival', key: 'other' }, {}, {}],
    [
      'a list',
      { tenantId: 'rival', key: 'other', sessionId: undefined, seen: [{ id: 's1', status: 'expired' }] },
      {},
      {},
    ],
    ['an event', {}, { tenantid: 'rival' }, {}],
    ['a contact', {}, {}, { tenantId: 'rival' }],
  ])('finds %s that crosses tenants (I8)', (_, over, labelled, other) => {
    const left = evidence({
      sessions: [row(), row({ id: 's2', createdAt: at(40), expiresAt: at(70), endedAt: at(70), ...other })],
      events: [event(labelled), expiry()],
    });
    expect(names([call(), call(over)], left)).toContain('I8');
  });

  it('tells five of a kind and how many more there are', () => {
    const sessions = Array.from({ length: 9 }, (_, index) =>
      row({ id: `r${index}`, contactId: `c${index}` }),
    );
    const sprints = sessions.map(({ id }) => sprint({ sessionId: id }));
    const told = judge([call({ sessionId: undefined })], {
      sessions,
      sprints,
      replies: [],
      outbox: [],
      events: [],
    });
    expect(told).toHaveLength(6);
    expect(told.at(-1)).toEqual({ name: 'I4', text: 'and 4 more' });
  });
});

describe('the checker, of conversations', () => {
  const asked = { type: 'node', detail: { effect_id: 's1:1' } };
  const request = (over: Partial<RecordedEvent> = {}): RecordedEvent =>
    event({ id: 'm1', type: 'message.requested', sequence: 2, data: { effect_id: 's1:1' }, ...over });
  const kept = (over: Partial<ReplyRow> = {}): ReplyRow => ({
    tenantId: 'acme',
    messageId: 'm1',
    sessionId: 's1',
    result: 'accepted',
    ...over,
  });
  /** It asked, took a reply, waited for another one in vain, and then ended by itself. */
  const left = (over: Partial<Evidence> = {}): Evidence => ({
    sessions: [
      row({ status: 'completed', sequence: 3, entries: 5, endEntry: null, shownStatus: 'completed' }),
    ],
    sprints: [
      sprint({ entries: [{ type: 'started', detail: {} }, asked] }),
      sprint({ firstEntry: 3, at: at(2), entries: [{ type: 'reply', detail: {} }] }),
      sprint({
        firstEntry: 4,
        at: at(12),
        entries: [
          { type: 'timeout', detail: {} },
          { type: 'completed', detail: {} },
        ],
      }),
    ],
    replies: [kept()],
    outbox: [],
    events: [event(), request(), event({ id: 'e3', type: 'session.completed', sequence: 3 })],
    ...over,
  });
  const reply = (over: Partial<Call> = {}): Call =>
    call({ kind: 'reply', key: undefined, flow: undefined, message: 'm1', result: 'accepted', ...over });
  const due = call({ kind: 'wait', key: undefined, sessionId: undefined, due: [{ id: 's1', at: +at(12) }] });
  const lost = reply({ outcome: 'unknown', status: 503, result: undefined, sessionId: undefined });

  const late = kept({ messageId: 'm2', result: 'ignored' });

  it('finds nothing where nothing is wrong, repeated replies included', () => {
    expect(judge([call(), due, reply()], left())).toEqual([]);
    const two = left({ replies: [kept(), late] });
    expect(judge([call(), due, lost, reply(), reply({ message: 'm2', result: 'ignored' })], two)).toEqual([]);
    // Without an answer it may have been taken, or not.
    expect(judge([call(), due, lost, { ...lost, message: 'm3' }], left())).toEqual([]);
    const early = reply({ result: 'no_session', sessionId: undefined, answeredAt: BEGIN });
    expect(judge([call(), due, early, reply()], left())).toEqual([]);
    // Its message has no id, so no row.
    expect(judge([call(), due, reply({ message: undefined })], left({ replies: [] }))).toEqual([]);
  });

  it.each([
    ['a gap', [sprint({ entries: [asked] }), sprint({ firstEntry: 3 })]],
    ['one twice', [sprint({ entries: [asked] }), sprint({ firstEntry: 1 })]],
    ['fewer than its row says', [sprint({ entries: [asked] })]],
  ])('finds a timeline with %s (I5)', (_, sprints) => {
    expect(names([call(), due], left({ sprints }))).toContain('I5');
  });

  it.each([
    ['lost', [event(), event({ id: 'e3', type: 'session.completed', sequence: 2 })]],
    [
      'asked for twice',
      [...left().events.slice(0, 2), request({ id: 'm2', sequence: 3 }), ...left().events.slice(2)],
    ],
    ['made up', [event(), request({ data: { effect_id: 's1:9' } }), ...left().events.slice(2)]],
  ])('finds a message that is %s (I4)', (_, events) => {
    expect(names([call(), due, reply()], left({ events }))).toContain('I4');
  });

  it('finds a reply that was answered and is not kept, or not told of (I2)', () => {
    expect(names([call(), due, reply()], left({ replies: [] }))).toEqual(['I2', 'I3']);
    expect(names([call(), due, reply(), reply({ message: 'm2' })], left())).toEqual(['I2']);
    expect(names([call(), due, reply()], left({ replies: [kept({ sessionId: 's2' })] }))).toContain('I2');
    const untold = left({ replies: [kept(), kept({ messageId: 'm2' })] });
    expect(names([call(), due, reply()], untold)).toEqual(['I2']);
  });

  it('finds a reply that was taken twice, whoever else had no answer (I3)', () => {
    const twice = left();
    twice.sprints[1]!.entries.push({ type: 'reply', detail: {} });
    expect(names([call(), due, reply(), { ...lost, message: 'm3' }], twice)).toContain('I3');
  });

  it('finds a message with two answers (I3)', () => {
    expect(names([call(), due, reply(), reply({ result: 'ignored' })], left())).toEqual(['I3']);
    expect(names([call(), due, reply(), reply({ sessionId: 's2' })], left())).toContain('I3');
    const forgotten = reply({ result: 'no_session', sessionId: undefined, answeredAt: BEGIN + 20 });
    expect(names([call(), due, reply(), forgotten], left())).toEqual(['I3']);
  });

  it('finds a wait that ended early, late or before anything was due (I6)', () => {
    for (const times of [[], [+at(12) + 1], [+at(12) - 2_001]]) {
      const other = { ...due, due: times.map((time) => ({ id: 's1', at: time })) };
      expect(names([call(), other, reply()], left())).toEqual(['I6']);
    }
    expect(
      names([call(), { ...due, due: [{ id: 's1', at: +at(12) - 2_001 }] }, reply()], left(), Infinity),
    ).toEqual([]);
  });
});

describe('the history', () => {
  const answer = (status: number, body: unknown, headers = {}): object => ({
    status,
    body,
    headers: new Headers(headers),
  });
  const asked = { kind: 'start', tenantId: 'acme' };

  it.each([
    [
      201,
      { id: 's1', status: 'started', contact_id: 'ann' },
      { outcome: 'ok', sessionId: 's1', started: true },
    ],
    [200, { id: 's1', status: 'already_running', contact_id: 'ann' }, { outcome: 'ok', started: false }],
    [
      200,
      { data: [{ id: 's1', status: 'running', expires_at: 'x' }] },
      { seen: [{ id: 's1', status: 'running' }] },
    ],
    [
      200,
      { result: 'accepted', session: { id: 's1', status: 'running', expires_at: 'x' } },
      { result: 'accepted', sessionId: 's1', seen: [{ id: 's1', status: 'running' }] },
    ],
    [200, { result: 'no_session', session: null }, { result: 'no_session', seen: [] }],
    [422, { error: 'no' }, { outcome: 'refused' }],
    [503, { error: 'away' }, { outcome: 'unknown' }],
  ])('takes from %i what it says of sessions', async (status, body, expected) => {
    const history = new History();
    await history.http(asked, () => Promise.resolve(answer(status, body) as never));
    expect(history.calls).toMatchObject([{ ...asked, status, ...expected }]);
  });

  it('records a call without an answer as unknown, and does not fail', async () => {
    const history = new History();
    await history.http(asked, () => Promise.reject(new Error('fetch failed', { cause: new Error('reset') })));
    expect(history.calls).toMatchObject([{ outcome: 'unknown', answer: 'fetch failed: reset' }]);
    expect(history.counts()).toEqual({ 'start unknown': 1 });
  });
});

describe('resources (I10)', () => {
  const baseline: Resources = {
    processes: { session: { memory: 100, handles: 30, threads: 11 } },
    connections: { db: 4 },
  };
  const now = (over: object, connections = 4): Resources => ({
    processes: { session: { ...baseline.processes['session']!, ...over } },
    connections: { db: connections },
  });

  it.each([
    ['memory', now({ memory: 165 })],
    ['handles', now({ handles: 43 })],
    ['threads', now({ threads: 24 })],
    ['connections', now({}, 7)],
  ])('that do not return are found: %s', (_, grown) => {
    expect(compare(baseline, grown)).toEqual([{ name: 'I10', text: expect.any(String) }]);
  });

  it('within the allowance are not', () => {
    expect(compare(baseline, now({ memory: 164, handles: 42 }, 6))).toEqual([]);
  });

  it('of a process are read from the system', () => {
    const { memory } = heldBy(process.pid);
    expect(memory).toBeGreaterThan(20);
    expect(() => heldBy(2 ** 30)).toThrow();
  });
});
