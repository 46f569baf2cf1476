import { describe, expect, it } from '@jest/globals';
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
} from './testing/conversation.ts';

const asking = (timeout_minutes?: number) =>
  graph(
    [entry, ask('ask', { timeout_minutes }), say('late', 'Too late')],
    'start -> ask',
    ...(timeout_minutes === undefined ? [] : ['ask.timeout -> late']),
  );
const resting = (data: object) => chain(node('rest', 'delay', data), say('on', 'And on'));

describe('a wait for a reply', () => {
  it('has an id, its node and the time at which it ends', () => {
    const conversation = new Conversation(asking(10));
    expect(conversation.state.wait).toEqual({
      id: 1,
      nodeId: 'ask',
      kind: 'reply',
      attempts: 0,
      until: NOW + 10 * MINUTE,
    });
    expect(conversation.last.timeline[1]?.detail).toEqual({
      node: 'ask',
      effect_id: 's-1.2',
      text: 'Well?',
      wait_id: 1,
      until: '2026-05-07T10:10:00.000Z',
    });
  });

  it('ends by timeout when its time has come, and not a millisecond before', () => {
    const conversation = new Conversation(asking(10)).pass(10 * MINUTE - 1).timeout();
    expect(conversation.last.timeline[0]).toMatchObject({ type: 'ignored', detail: { reason: 'too_early' } });
    conversation.pass(1).timeout();
    expect(conversation.story).toEqual(['timeout ask timeout', 'node late default', 'completed late']);
    expect(conversation.last.timeline[0]?.detail).toEqual({ wait_id: 1 });
    expect(conversation.state.lastInteractionAt).toBe(NOW);
  });

  it('takes a reply that comes after its time, as long as no timeout came before', () => {
    const conversation = new Conversation(asking(10)).pass(11 * MINUTE).reply('here I am');
    expect(conversation.story[0]).toBe('reply ask answered');
  });

  it.each([
    ['at', 30],
    ['after', 31],
  ])('has no time where that would fall %s the session’s end', (_where, minutes) => {
    const conversation = new Conversation(asking(minutes));
    expect(conversation.state.wait?.until).toBeNull();
    expect(conversation.last.timeline[1]?.detail['until']).toBeNull();
    conversation.pass(30 * MINUTE - 1).timeout();
    expect(conversation.last.timeline[0]).toMatchObject({ type: 'ignored', detail: { reason: 'too_early' } });
  });

  it('has a time a minute before the session’s end', () => {
    expect(new Conversation(asking(29)).state.wait?.until).toBe(NOW + 29 * MINUTE);
  });

  it('measures its time against the end that the last reply has put off', () => {
    const twice = graph(
      [entry, ask('a'), ask('b', { timeout_minutes: 29 })],
      'start -> a',
      'a.answered -> b',
    );
    const conversation = new Conversation(twice).pass(20 * MINUTE).reply('ok');
    expect(conversation.state.wait?.until).toBe(NOW + 49 * MINUTE);
  });

  it('stands as long as the session where the question has no timeout', () => {
    expect(new Conversation(asking()).state.wait?.until).toBeNull();
  });
});

describe('a delay', () => {
  it.each([
    [{ minutes: 2 }, 120_000],
    [{ seconds: 90 }, 90_000],
  ])('of %j lasts %i ms', (data, ms) => {
    const conversation = new Conversation(resting(data));
    expect(conversation.state.wait).toEqual({ id: 1, nodeId: 'rest', kind: 'delay', until: NOW + ms });
    expect(conversation.last.effects).toEqual([]);
    expect(conversation.last.timeline[1]).toMatchObject({
      type: 'node',
      handle: '',
      detail: { node: 'delay', wait_id: 1, until: new Date(NOW + ms).toISOString() },
    });
    conversation.pass(ms - 1).timeout();
    expect(conversation.rest).toBe('running rest delay');
    conversation.pass(1).timeout();
    expect(conversation.story).toEqual(['timeout rest default', 'node on default', 'completed on']);
  });

  it('never ends where it would end at the session’s end or later', () => {
    const conversation = new Conversation(resting({ minutes: 30 }));
    expect(conversation.state.wait?.until).toBeNull();
    conversation.pass(30 * MINUTE).timeout();
    expect(conversation.story).toEqual(['expired rest']);
  });

  it('is not ended by a reply', () => {
    const conversation = new Conversation(resting({ minutes: 2 })).reply('hurry', '', 1);
    expect(conversation.last.timeline).toMatchObject([
      { type: 'ignored', nodeId: 'rest', detail: { input: 'reply', reason: 'not_waiting', text: 'hurry' } },
    ]);
  });
});

describe('waits', () => {
  it('are numbered through the session, whatever they are for', () => {
    const all = graph(
      [entry, node('rest', 'delay', { seconds: 1 }), ask('ask'), get('call'), ask('last')],
      'start -> rest',
      'rest -> ask',
      'ask.answered -> call',
      'call.failure -> last',
    );
    const conversation = new Conversation(all);
    expect(conversation.state.wait?.id).toBe(1);
    expect(conversation.pass(1_000).timeout().state.wait?.id).toBe(2);
    expect(conversation.reply('x').state.wait?.id).toBe(3);
    expect(conversation.answer({ error: 'no' }).state.wait?.id).toBe(4);
    expect(conversation.state.waits).toBe(4);
  });

  it('at a node that the flow does not have, or not as such, fail the session', () => {
    const conversation = new Conversation(asking(10));
    const state = conversation.state;
    const other = published(chain(say('ask', 'Hi')));
    const without = published(chain(say('x', 'Hi')));
    const wrongWait = new Conversation(resting({ minutes: 1 })).state.wait;
    for (const [flow, given] of [
      [other, state],
      [without, state],
      [conversation.flow, { ...state, wait: { ...wrongWait!, id: 1 } }],
    ] as const) {
      const failing = new Conversation(flow);
      failing.state = given;
      failing.pass(10 * MINUTE).timeout();
      expect(failing.state).toMatchObject({
        status: 'failed',
        wait: null,
        failure: { code: 'NODE_MISSING', nodeId: 'ask' },
      });
      expect(failing.story).toEqual(['failed ask']);
    }
  });
});
