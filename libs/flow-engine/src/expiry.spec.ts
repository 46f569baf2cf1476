import { describe, expect, it } from '@jest/globals';
import { newSession, runSprint } from './run-sprint.ts';
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

const TTL = 30 * MINUTE;
const twice = graph([entry, ask('a'), ask('b')], 'start -> a', 'a.answered -> b');

describe('a session', () => {
  it('expires its flow’s TTL after its start', () => {
    const conversation = new Conversation(twice);
    expect(conversation.state).toMatchObject({
      startedAt: NOW,
      lastInteractionAt: NOW,
      expiresAt: NOW + TTL,
    });
    const short = published(twice, { sessionTtlMinutes: 1, channel: '' });
    expect(newSession(short, { sessionId: 's', context: {}, contact: {} }, NOW).expiresAt).toBe(NOW + MINUTE);
  });

  it('lives on from an accepted reply', () => {
    const conversation = new Conversation(twice).pass(TTL - 1).reply('still here');
    expect(conversation.state).toMatchObject({
      status: 'running',
      startedAt: NOW,
      lastInteractionAt: NOW + TTL - 1,
      expiresAt: NOW + TTL - 1 + TTL,
    });
  });

  it('does not live on from messages, delays and answers over HTTP', () => {
    const busy = graph(
      [entry, node('rest', 'delay', { minutes: 5 }), get('call'), say('hi', 'Hi'), ask('ask')],
      'start -> rest',
      'rest -> call',
      'call.success -> hi',
      'hi -> ask',
    );
    const conversation = new Conversation(busy).pass(5 * MINUTE).timeout();
    conversation.pass(MINUTE).answer({ status: 200, body: '' });
    expect(conversation.rest).toBe('running ask reply');
    expect(conversation.state).toMatchObject({ lastInteractionAt: NOW, expiresAt: NOW + TTL });
  });

  it.each([
    ['a reply', { type: 'reply', waitId: 1, text: 'x', choice: '' }],
    ['a reply to another wait', { type: 'reply', waitId: 9, text: 'x', choice: '' }],
    ['a timeout', { type: 'timeout', waitId: 1 }],
    ['an answer that it does not wait for', { type: 'http_answer', waitId: 1, answer: { error: 'x' } }],
  ] as const)('is expired by %s when its end has come', (_what, input) => {
    const conversation = new Conversation(twice).pass(TTL).input(input);
    expect(conversation.last).toMatchObject({
      effects: [],
      timeline: [{ number: 3, type: 'expired', nodeId: 'a', handle: '', detail: {} }],
      state: {
        status: 'expired',
        nodeId: 'a',
        wait: null,
        failure: null,
        sprints: 1,
        lastInteractionAt: NOW,
      },
    });
  });

  it('is not expired a millisecond before', () => {
    expect(new Conversation(twice).pass(TTL - 1).reply('x').rest).toBe('running b reply');
  });

  it('that could only be started after its end expires', () => {
    const flow = published(chain(say('hi', 'Hi')));
    const state = newSession(flow, { sessionId: 's', context: {}, contact: {} }, NOW);
    const { state: after, effects } = runSprint(flow, state, { type: 'start' }, NOW + TTL);
    expect([after.status, effects]).toEqual(['expired', []]);
  });
});
