import { describe, expect, it } from '@jest/globals';
import { compileFlow } from './compile-flow.ts';
import { chain, MINUTE, Play, START, texts, type TestNode } from './testing/play.ts';

const say = (id: string, text = id): TestNode => ({ id, type: 'send_message', data: { text } });
const ask = (id: string, more = {}): TestNode => ({
  id,
  type: 'ask',
  data: { text: '?', input: { kind: 'text' }, max_attempts: 10, ...more },
});

describe('a start', () => {
  it('runs to the first wait, and tells of each node', () => {
    const play = new Play(chain([say('hello'), ask('name')]));
    const { state, effects, timeline } = play.start();
    expect(state).toMatchObject({ status: 'running', nodeId: 'name', sprints: 1, entries: 3 });
    expect(effects.map(({ id, nodeId }) => [id, nodeId])).toEqual([
      ['s.2', 'hello'],
      ['s.3', 'name'],
    ]);
    expect(timeline.map(({ number, type, nodeId, handle }) => [number, type, nodeId, handle])).toEqual([
      [1, 'started', 'start', 'default'],
      [2, 'node', 'hello', 'default'],
      [3, 'node', 'name', ''],
    ]);
  });

  it('happens once', () => {
    const play = new Play(chain([ask('name')]));
    play.start();
    expect(play.start().timeline[0]).toMatchObject({ type: 'ignored', detail: { reason: 'started' } });
  });

  it('completes at an end with its outcome, and where no edge leads on', () => {
    expect(
      new Play(chain([{ id: 'end', type: 'end', data: { outcome: 'won' } }])).start().state,
    ).toMatchObject({
      status: 'completed',
      outcome: 'won',
      nodeId: 'end',
    });
    expect(new Play(chain([say('hello')])).start().state).toMatchObject({ status: 'completed', outcome: '' });
  });
});

describe('what a flow asks others to do', () => {
  it('is a message by text, by template, and with media', () => {
    const flow = chain([
      {
        id: 'approved',
        type: 'send_message',
        data: {
          template: { name: 'reminder', language: 'en', variables: { day: '{{context.day}}', b: 'x' } },
          media: { type: 'image', url: 'https://a.example/{{context.day}}', caption: 'On {{context.day}}' },
        },
      },
    ]);
    expect(new Play(flow, { day: 'Monday' }).start().effects).toEqual([
      {
        id: 's.2',
        nodeId: 'approved',
        type: 'message',
        text: '',
        template: {
          name: 'reminder',
          language: 'en',
          variables: [
            ['day', 'Monday'],
            ['b', 'x'],
          ],
        },
        media: { type: 'image', url: 'https://a.example/Monday', caption: 'On Monday' },
        choices: [],
        waitId: 0,
      },
    ]);
  });

  it('is a handoff with its note', () => {
    const flow = chain([
      { id: 'desk', type: 'handoff', data: { queue: 'sales', note: 'Cart {{context.id}}' } },
    ]);
    expect(new Play(flow, { id: 7 }).start().effects).toEqual([
      { id: 's.2', nodeId: 'desk', type: 'handoff', queue: 'sales', note: 'Cart 7' },
    ]);
  });

  it('is a change of tags, which the flow sees itself', () => {
    const flow = chain([
      { id: 'tag', type: 'set', data: { tags_add: ['vip', 'old'], tags_remove: ['new'] } },
      say('tags', '{{contact.tags}}'),
    ]);
    const sprint = new Play(flow, {}, { tags: ['new', 'old'] }).start();
    expect(sprint.effects[0]).toEqual({
      id: 's.2',
      nodeId: 'tag',
      type: 'tags',
      add: ['vip', 'old'],
      remove: ['new'],
    });
    expect(texts(sprint)).toEqual(['["old","vip"]']);
  });
});

describe('set', () => {
  const set = (assign: object, context = {}) =>
    new Play(chain([{ id: 'set', type: 'set', data: { assign } }]), context).start();

  it('keeps the type of a value that is all of the text, and renders every other text', () => {
    const { state } = set(
      {
        'context.copy': '{{context.list}}',
        'context.text': 'n={{context.n}}',
        'context.n2': 5,
        'context.no': null,
      },
      { list: [1, 2], n: 3 },
    );
    expect(state.context).toEqual({ list: [1, 2], n: 3, copy: [1, 2], text: 'n=3', n2: 5, no: null });
  });

  it('reads the context as it was before, makes objects on the way, and leaves what it was given alone', () => {
    const context = { a: 'old', cart: 'text' };
    const { state } = set(
      { 'context.a': 'new', 'context.b': '{{context.a}}', 'context.cart.total.net': 1 },
      context,
    );
    expect(state.context).toEqual({ a: 'new', b: 'old', cart: { total: { net: 1 } } });
    expect(context).toEqual({ a: 'old', cart: 'text' });
  });

  it('sets null where there is nothing to copy, with a warning', () => {
    const { state, timeline } = set({ 'context.a': '{{context.missing}}' });
    expect(state.context).toEqual({ a: null });
    expect(timeline[1]!.warnings).toEqual(['context.missing has no value']);
  });
});

describe('a wait', () => {
  it('for the clock ends when its time has come, and not before', () => {
    const play = new Play(chain([{ id: 'pause', type: 'delay', data: { minutes: 5 } }, say('on')]));
    expect(play.start().state.wait).toEqual({
      kind: 'delay',
      id: 1,
      nodeId: 'pause',
      until: START + 5 * MINUTE,
    });
    play.now = START + 5 * MINUTE - 1;
    expect(play.timeout().timeline[0]).toMatchObject({ type: 'ignored', detail: { reason: 'too_early' } });
    play.now += 1;
    expect(texts(play.timeout())).toEqual(['on']);
    expect(play.state.lastInteractionAt).toBe(START);
  });

  it.each([
    ['a delay', { id: 'w', type: 'delay', data: { minutes: 30 } }],
    ['a question', ask('w', { timeout_minutes: 30 })],
  ])('of %s that would end at the expiry or later is not armed', (_what, node) => {
    const play = new Play(chain([node]));
    expect(play.start().state.wait).toMatchObject({ until: null });
    play.now = START + 30 * MINUTE;
    expect(play.timeout().state).toMatchObject({ status: 'expired', wait: null });
  });

  it('of a question is ended by its timeout', () => {
    const play = new Play(
      chain([ask('name', { timeout_minutes: 10 }), say('late')], [['name', 'timeout', 'late']]),
    );
    play.start();
    play.now += 10 * MINUTE;
    const sprint = play.timeout();
    expect(sprint.timeline[0]).toMatchObject({ type: 'timeout', nodeId: 'name', handle: 'timeout' });
    expect(texts(sprint)).toEqual(['late']);
  });

  it('takes no input of another wait, of another kind, or after the end', () => {
    const play = new Play(chain([ask('name')]));
    play.start();
    expect(play.reply('x', { waitId: 2 }).timeline[0]!.detail).toMatchObject({
      reason: 'other_wait',
      text: 'x',
    });
    expect(play.answer({ error: 'x' }).timeline[0]!.detail).toMatchObject({ reason: 'not_waiting' });
    expect(play.reply('Ada', { waitId: 1 }).state.status).toBe('completed');
    expect(play.reply('Ada').timeline[0]!.detail).toMatchObject({ reason: 'ended' });
    expect(play.state.entries).toBe(7);
  });

  it('is over when the session is: nothing that comes then counts', () => {
    const play = new Play(chain([ask('name')]));
    play.start();
    play.now = START + 30 * MINUTE;
    const { state, effects, timeline } = play.reply('Ada');
    expect(state).toMatchObject({ status: 'expired', wait: null, reply: null });
    expect([effects, timeline.map(({ type }) => type)]).toEqual([[], ['expired']]);
  });
});

describe('an HTTP request', () => {
  const http = (more = {}): TestNode => ({
    id: 'call',
    type: 'http_request',
    data: { method: 'POST', url: 'https://shop.example/{{context.id | urlencode}}', save_as: 'got', ...more },
  });

  it('is described whole, with an effect id and headers of one line of Latin-1', () => {
    const headers = { 'X-A': '{{context.evil}}', 'X-B': 'é→' };
    const play = new Play(chain([http({ headers, body: '{"id":"{{context.id}}"}', timeout_ms: 500 })]), {
      id: 'a/b',
      evil: 'x\r\nHost: evil',
    });
    expect(play.start().state.wait).toEqual({
      kind: 'http',
      id: 1,
      nodeId: 'call',
      until: null,
      request: {
        effectId: 's.2',
        method: 'POST',
        url: 'https://shop.example/a%2Fb',
        headers: [
          ['X-A', 'x Host: evil'],
          ['X-B', 'é?'],
        ],
        body: '{"id":"a/b"}',
        timeoutMs: 500,
      },
    });
  });

  it.each([
    [{ status: 200, body: '{"n":1}' }, 'success', { status: 200, body: { n: 1 } }],
    [{ status: 299, body: 'text\0' }, 'success', { status: 299, body: 'text' }],
    [{ status: 302, body: '' }, 'failure', { status: 302, body: '' }],
    [{ status: 199, body: '"\\u0000a"' }, 'failure', { status: 199, body: 'a' }],
    [{ error: 'no answer' }, 'failure', { error: 'no answer' }],
  ])('answered with %j is left by %s, and keeps what it was answered', (answer, handle, kept) => {
    const play = new Play(
      chain(
        [http(), say('ok'), say('no')],
        [
          ['call', 'success', 'ok'],
          ['call', 'failure', 'no'],
        ],
      ),
    );
    play.start();
    const { state, timeline } = play.answer(answer);
    expect(timeline[0]).toMatchObject({ type: 'http_answer', handle });
    expect(state.context['got']).toEqual(kept);
  });
});

describe('a session fails', () => {
  const failed = (play: Play) => play.state.failure?.code;

  it('after 100 nodes without a wait', () => {
    const run = (count: number) => {
      const play = new Play(chain(Array.from({ length: count }, (_, index) => say(`n${index}`))));
      play.start();
      return play;
    };
    expect(run(100).state.status).toBe('completed');
    expect(run(101).state).toMatchObject({
      status: 'failed',
      wait: null,
      failure: { code: 'SPRINT_TOO_LONG', nodeId: 'n100' },
    });
  });

  it('when a node comes for the eleventh time without a wait', () => {
    const play = new Play(chain([say('a')], [['a', 'default', 'a']]));
    expect(play.start().effects).toHaveLength(10);
    expect(play.state.failure).toMatchObject({ code: 'NODE_REPEATED', nodeId: 'a' });
  });

  it('after 500 sprints', () => {
    const play = new Play(chain([ask('name')], [['name', 'answered', 'name']]));
    play.start();
    for (let sprint = 2; sprint <= 500; sprint++) play.reply('x');
    expect(play.state).toMatchObject({ status: 'running', sprints: 500 });
    play.reply('x');
    expect(play.state).toMatchObject({
      status: 'failed',
      failure: { code: 'TOO_MANY_SPRINTS', nodeId: 'name' },
    });
  });

  it('when its context grows past 64 KiB or 20 levels, by a node or by an answer', () => {
    const set = chain([{ id: 'set', type: 'set', data: { assign: { 'context.copy': '{{context.big}}' } } }]);
    const large = new Play(set, { big: { text: 'x'.repeat(33_000) } });
    large.start();
    expect(large.state.failure).toMatchObject({ code: 'CONTEXT_TOO_LARGE', nodeId: 'set' });
    expect(Object.keys(large.state.context)).toEqual(['big']);

    const call = {
      id: 'call',
      type: 'http_request',
      data: { method: 'GET', url: 'https://a.example/', save_as: 'x' },
    };
    const deep = new Play(chain([call]));
    deep.start();
    deep.answer({ status: 200, body: `${'['.repeat(19)}${']'.repeat(19)}` });
    expect(failed(deep)).toBe('CONTEXT_TOO_DEEP');
    const shallow = new Play(chain([call]));
    shallow.start();
    shallow.answer({ status: 200, body: `${'['.repeat(18)}${']'.repeat(18)}` });
    expect(shallow.state.status).toBe('completed');
  });

  it('when a request fails and no edge leaves its failure; one that succeeds completes', () => {
    const call = { id: 'call', type: 'http_request', data: { method: 'GET', url: 'https://a.example/' } };
    const [bad, good] = [new Play(chain([call])), new Play(chain([call]))];
    bad.start();
    bad.answer({ status: 500, body: '' });
    expect(bad.state.failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', nodeId: 'call' });
    good.start();
    good.answer({ status: 200, body: '' });
    expect(good.state.status).toBe('completed');
  });

  it('when its version has no such node', () => {
    const play = new Play(
      compileFlow({ nodes: [], edges: [] }, { id: 'f', name: 'F', version: 1, sessionTtlMinutes: 30 }),
    );
    play.start();
    expect(failed(play)).toBe('NODE_MISSING');
  });
});

describe('compiling', () => {
  it('refuses what publishing refuses, naming the field', () => {
    const broken = { nodes: [{ id: 'a', type: 'teleport' }], edges: [] };
    expect(() => compileFlow(broken, { id: 'f', name: 'F', version: 1, sessionTtlMinutes: 30 })).toThrow(
      'nodes[0].type',
    );
  });
});
