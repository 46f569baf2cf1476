import { describe, expect, it } from '@jest/globals';
import { newSession, runSprint } from './run-sprint.ts';
import type { JsonObject, JsonValue } from './json-value.ts';
import {
  ask,
  chain,
  Conversation,
  entry,
  get,
  graph,
  MINUTE,
  node,
  NOW,
  published,
  say,
  set,
  unchecked,
} from './testing/conversation.ts';

const failure = ({ state }: Conversation) => [state.status, state.failure?.code, state.failure?.nodeId];
const list = <Item>(length: number, item: (index: number) => Item) =>
  Array.from({ length }, (_, i) => item(i));
const nested = (levels: number): JsonValue => (levels === 0 ? 1 : { a: nested(levels - 1) });

describe('a sprint', () => {
  it('runs 100 nodes after its start, and fails before the 101st', () => {
    expect(new Conversation(chain(...list(100, (i) => say(`n${i}`, 'x')))).rest).toBe(
      'completed n99 nothing',
    );
    const conversation = new Conversation(chain(...list(101, (i) => say(`n${i}`, 'x'))));
    expect(failure(conversation)).toEqual(['failed', 'SPRINT_TOO_LONG', 'n100']);
    expect(conversation.texts).toHaveLength(100);
    expect(conversation.last.timeline.at(-1)).toEqual({
      number: 102,
      type: 'failed',
      nodeId: 'n100',
      handle: '',
      detail: { code: 'SPRINT_TOO_LONG', message: 'more than 100 nodes without a wait' },
      warnings: [],
    });
    expect(conversation.state).toMatchObject({
      nodeId: 'n100',
      wait: null,
      outcome: '',
      failure: { code: 'SPRINT_TOO_LONG', nodeId: 'n100', message: 'more than 100 nodes without a wait' },
    });
  });

  it('counts anew after a wait', () => {
    const before = list(99, (i) => say(`a${i}`, 'x'));
    const after = list(100, (i) => say(`b${i}`, 'x'));
    const conversation = new Conversation(chain(...before, node('rest', 'delay', { seconds: 1 }), ...after));
    expect(conversation.pass(1_000).timeout().rest).toBe('completed b99 nothing');
  });

  it('runs a node ten times, and fails before the eleventh', () => {
    const flow = unchecked(graph([entry, say('a', 'x'), say('b', 'y')], 'start -> a', 'a -> b', 'b -> a'));
    const conversation = new Conversation(flow);
    expect(failure(conversation)).toEqual(['failed', 'NODE_REPEATED', 'a']);
    expect(conversation.texts).toEqual(list(20, (i) => (i % 2 === 0 ? 'x' : 'y')));
    expect(conversation.state.failure?.message).toBe('more than 10 times without a wait');
  });

  it('may come back to the entry node', () => {
    const looped = graph([entry, ask('ask')], 'start -> ask', 'ask.answered -> start');
    const conversation = new Conversation(looped).reply('again');
    expect(conversation.story).toEqual(['reply ask answered', 'node start default', 'node ask']);
    expect(conversation.last.timeline[1]?.detail).toEqual({ node: 'entry' });
  });
});

describe('a session', () => {
  it('runs 500 sprints and fails at the next', () => {
    const looped = graph([entry, ask('ask')], 'start -> ask', 'ask.answered -> ask');
    const conversation = new Conversation(looped);
    for (let sprint = 2; sprint <= 500; sprint++) conversation.reply('again');
    expect(conversation.rest).toBe('running ask reply');
    expect(conversation.state.sprints).toBe(500);
    conversation.reply('once more');
    expect(failure(conversation)).toEqual(['failed', 'TOO_MANY_SPRINTS', 'ask']);
    expect(conversation.state.failure?.message).toBe('the session has run 500 times');
    expect(conversation.last.effects).toEqual([]);
  });

  it('comes to 5000 nodes and fails at the next', () => {
    const says = Array.from({ length: 49 }, (_, n) => say(`s${n}`, 'x'));
    const looped = graph(
      [entry, ask('ask'), ...says],
      'start -> ask',
      'ask.answered -> s0',
      ...says.slice(1).map((_, n) => `s${n} -> s${n + 1}`),
      's48 -> ask',
    );
    const conversation = new Conversation(looped);
    // One node, then fifty each time.
    for (let sprint = 2; sprint <= 100; sprint++) conversation.reply('again');
    expect(conversation.rest).toBe('running ask reply');
    expect(conversation.state.nodes).toBe(4_951);
    conversation.reply('once more');
    expect(failure(conversation)).toEqual(['failed', 'SESSION_TOO_LONG', 'ask']);
    expect(conversation.state.failure?.message).toBe('more than 5000 nodes');
    expect(conversation.last.effects).toHaveLength(49);
  });

  it('of a flow without an entry node fails', () => {
    const flow = published(graph([say('a', 'x')]));
    const state = newSession(flow, { sessionId: 's', context: {}, contact: {} }, NOW);
    expect(state.nodeId).toBe('');
    const { state: after } = runSprint(flow, state, { type: 'start' }, NOW);
    expect(after).toMatchObject({
      status: 'failed',
      failure: { code: 'NODE_MISSING', nodeId: '', message: 'the flow has no such node' },
    });
  });

  it('is over once it has failed', () => {
    const conversation = new Conversation(graph([entry, get('call')], 'start -> call'));
    conversation.answer({ error: 'no' }).pass(MINUTE).answer({ status: 200, body: '' }, 1);
    expect(failure(conversation)).toEqual(['failed', 'HTTP_REQUEST_FAILED', 'call']);
    expect(conversation.story).toEqual(['ignored call']);
    expect(conversation.last.timeline[0]?.detail['reason']).toBe('ended');
  });
});

describe('the context', () => {
  const bytes = (context: JsonObject) => Buffer.byteLength(JSON.stringify(context));
  const filled = (free: number) => {
    const room = 65_536 - bytes({ a: '' }) - free;
    return { a: 'é'.repeat(room / 2) };
  };

  it('may grow to 64 KiB, counted in bytes, and not beyond', () => {
    const grow = chain(set('grow', { 'context.b': '12' }), say('hi', 'Hi'));
    const added = ',"b":"12"'.length;
    const context = filled(added + 1);
    expect(bytes(context) + added).toBe(65_536 - 1);
    expect(new Conversation(grow, { context }).rest).toBe('completed hi nothing');
    const full = { ...context, a: `${context.a}x` };
    expect(new Conversation(grow, { context: full }).rest).toBe('completed hi nothing');
    const over = new Conversation(grow, { context: { ...full, a: `${full.a}x` } });
    expect(failure(over)).toEqual(['failed', 'CONTEXT_TOO_LARGE', 'grow']);
    expect(over.state.context).not.toHaveProperty('b');
    expect(over.state.failure?.message).toBe('the context is larger than 65536 bytes');
  });

  it('is not measured where a node only changes tags', () => {
    const tagged = chain(node('tag', 'set', { tags_add: ['vip'] }));
    expect(new Conversation(tagged, { context: { a: 'x'.repeat(70_000) } }).rest).toBe(
      'completed tag nothing',
    );
  });

  it('may be 20 levels deep, and not deeper', () => {
    const copy = chain(set('copy', { 'context.b': '{{context.a}}' }));
    const deepen = chain(set('deepen', { 'context.b.c': '{{context.a}}' }));
    const context = { a: nested(19) };
    expect(new Conversation(copy, { context }).rest).toBe('completed copy nothing');
    const deeper = new Conversation(deepen, { context });
    expect(failure(deeper)).toEqual(['failed', 'CONTEXT_TOO_DEEP', 'deepen']);
    expect(deeper.state.failure?.message).toBe('the context is nested more than 20 levels deep');
    expect(deeper.state.context).toBe(context);
  });

  it('counts lists and empty ones among its levels', () => {
    const call = graph([entry, get('call', { save_as: 'a' })], 'start -> call');
    const answered = (body: string) => new Conversation(call).answer({ status: 200, body });
    expect(answered('['.repeat(18) + ']'.repeat(18)).state.status).toBe('completed');
    expect(failure(answered('['.repeat(19) + ']'.repeat(19)))).toEqual([
      'failed',
      'CONTEXT_TOO_DEEP',
      'call',
    ]);
  });

  it('fails the session also where a reply or an answer makes it too large', () => {
    const context = { a: 'x'.repeat(65_000) };
    const asked = graph(
      [entry, ask('ask', { save_as: 'b' }), say('hi', 'Hi')],
      'start -> ask',
      'ask.answered -> hi',
    );
    const replied = new Conversation(asked, { context }).reply('y'.repeat(1_000));
    expect(failure(replied)).toEqual(['failed', 'CONTEXT_TOO_LARGE', 'ask']);
    expect(replied.story).toEqual(['reply ask answered', 'failed ask']);
    const call = graph(
      [entry, get('call', { save_as: 'b' }), say('hi', 'Hi')],
      'start -> call',
      'call.success -> hi',
    );
    const answered = new Conversation(call, { context }).answer({ status: 200, body: 'y'.repeat(1_000) });
    expect(failure(answered)).toEqual(['failed', 'CONTEXT_TOO_LARGE', 'call']);
    expect(answered.last.effects).toEqual([]);
  });
});

describe('compiling', () => {
  it('refuses what publishing refuses for its nodes and edges, and names the field', () => {
    expect(() => unchecked(graph([node('a', 'teleport')]))).toThrow(
      'Not a flow that can run: nodes[0].type: must be entry, send_message, ask, condition, set, delay, http_request, handoff, end',
    );
    expect(() => unchecked(graph([say('a', 'x')], 'a -> b'))).toThrow(
      'edges[0].target: there is no node "b"',
    );
    expect(() => unchecked([])).toThrow('Not a flow that can run');
  });
});
