import { describe, expect, it } from '@jest/globals';
import { compileFlow, coveredShare, joinCoverage, simulate, simulateInTurns } from './index.ts';
import type { CompiledFlow, HttpAnswer, SimulationScript, SimulationStep } from './index.ts';

const START = Date.UTC(2026, 0, 5, 9);
const MINUTE = 60_000;

type Node = [id: string, type: string, data?: object];
type Edge = [source: string, target: string, sourceHandle?: string];

function flowOf(nodes: Node[], edges: Edge[], sessionTtlMinutes = 30): CompiledFlow {
  const definition = {
    nodes: nodes.map(([id, type, data = {}]) => ({ id, type, data })),
    edges: edges.map(([source, target, sourceHandle]) => ({ source, target, sourceHandle })),
  };
  return compileFlow(definition, { id: 'f', name: 'Cart', version: 1, sessionTtlMinutes, channel: '' });
}

function script(steps: SimulationStep[], given: Partial<SimulationScript> = {}): SimulationScript {
  return { context: {}, contact: {}, startAt: START, steps, http: new Map(), ...given };
}

const reply = (text: string): SimulationStep => ({ type: 'reply', text });
const wait = (minutes: number): SimulationStep => ({ type: 'wait', ms: minutes * MINUTE });
const expire: SimulationStep = { type: 'expire' };
const minutesIn = (time: number): number => (time - START) / MINUTE;

const cart = flowOf(
  [
    ['start', 'entry'],
    [
      'ask',
      'ask',
      {
        text: 'Cart {{context.cart_id}}, {{contact.name | default: "you"}}?',
        choices: [
          { id: 'yes', title: 'Yes' },
          { id: 'later', title: 'Later' },
        ],
        timeout_minutes: 10,
        max_attempts: 2,
        invalid_text: 'Yes or Later?',
      },
    ],
    ['pause', 'delay', { minutes: 5 }],
    ['pay', 'send_message', { text: 'Pay here' }],
    ['won', 'end', { outcome: 'won' }],
    ['lost', 'end', { outcome: 'lost' }],
  ],
  [
    ['start', 'ask'],
    ['ask', 'pause', 'yes'],
    ['ask', 'lost', 'later'],
    ['ask', 'lost', 'timeout'],
    ['pause', 'pay'],
    ['pay', 'won'],
  ],
);

describe('simulating a flow', () => {
  it('plays the replies and gives messages, timeline and the session at its end', () => {
    const given = { context: { cart_id: '7' }, contact: { name: 'Ada' } };
    const { state, messages, timeline, problem, time } = simulate(
      cart,
      script([reply('maybe'), wait(2), reply('yes'), wait(5)], given),
    );
    expect(problem).toBeNull();
    expect(state).toMatchObject({
      status: 'completed',
      outcome: 'won',
      nodeId: 'won',
      context: given.context,
    });
    expect(messages.map(({ step, time: at, text }) => [step, minutesIn(at), text])).toEqual([
      [0, 0, 'Cart 7, Ada?'],
      [1, 0, 'Yes or Later?'],
      [4, 7, 'Pay here'],
    ]);
    expect(messages[0]!.choices.map(({ title }) => title)).toEqual(['Yes', 'Later']);
    expect(timeline.map(({ type, nodeId, handle }) => [type, nodeId, handle])).toEqual([
      ['started', 'start', 'default'],
      ['node', 'ask', ''],
      ['reply', 'ask', ''],
      ['node', 'ask', ''],
      ['reply', 'ask', 'yes'],
      ['node', 'pause', ''],
      ['timeout', 'pause', 'default'],
      ['node', 'pay', 'default'],
      ['completed', 'won', ''],
    ]);
    expect(minutesIn(time)).toBe(7);
  });

  it('takes a choice by its button', () => {
    const { state } = simulate(cart, script([{ type: 'choose', choice: 'later' }]));
    expect(state).toMatchObject({ status: 'completed', outcome: 'lost' });
  });

  it('knows a second press of a button, which the session no longer waits for', () => {
    const press = { type: 'choose', choice: 'first' } as const;
    const { timeline, state } = simulate(
      flowOf(
        [
          ['start', 'entry'],
          ['one', 'ask', { text: '1?', choices: [{ id: 'first', title: 'First' }] }],
          ['two', 'ask', { text: '2?', choices: [{ id: 'second', title: 'Second' }] }],
        ],
        [
          ['start', 'one'],
          ['one', 'two', 'first'],
        ],
      ),
      script([press, press]),
    );
    expect(timeline.at(-1)).toMatchObject({ type: 'ignored', detail: { reason: 'other_wait' } });
    expect(state).toMatchObject({ status: 'running', nodeId: 'two', wait: { attempts: 0 } });
  });

  it('stops where a choice is pressed that no message has shown', () => {
    const { problem } = simulate(
      cart,
      script([
        { type: 'choose', choice: 'latter' },
        { type: 'choose', choice: 'later' },
      ]),
    );
    expect(problem).toMatchObject({
      code: 'CHOICE_NOT_SHOWN',
      step: 1,
      message: 'no message so far has shown a choice "latter"',
    });
  });

  it('lets a timeout come by itself, at its time and not before', () => {
    expect(simulate(cart, script([wait(9)])).state).toMatchObject({ status: 'running', nodeId: 'ask' });
    const { state, timeline, time } = simulate(cart, script([wait(9), wait(60)]));
    expect(state).toMatchObject({ status: 'completed', outcome: 'lost' });
    expect(timeline.filter(({ type }) => type === 'timeout').map((entry) => minutesIn(entry.time))).toEqual([
      10,
    ]);
    expect(minutesIn(time)).toBe(69);
  });

  it('takes what falls due during one wait in the order of time', () => {
    const flow = flowOf(
      [
        ['start', 'entry'],
        ['a', 'delay', { minutes: 3 }],
        ['b', 'delay', { seconds: 90 }],
        ['ask', 'ask', { text: 'Well?', input: { kind: 'text' }, timeout_minutes: 4 }],
        ['again', 'ask', { text: 'Still there?', input: { kind: 'text' } }],
      ],
      [
        ['start', 'a'],
        ['a', 'b'],
        ['b', 'ask'],
        ['ask', 'again', 'timeout'],
      ],
      10,
    );
    const { timeline, state } = simulate(flow, script([wait(60)]));
    expect(
      timeline
        .filter(({ type }) => type !== 'node' && type !== 'started')
        .map(({ type, nodeId, time }) => [type, nodeId, minutesIn(time)]),
    ).toEqual([
      ['timeout', 'a', 3],
      ['timeout', 'b', 4.5],
      ['timeout', 'ask', 8.5],
      ['expired', 'again', 10],
    ]);
    expect(state.status).toBe('expired');
  });

  it('expires a session, after the timeouts that come first', () => {
    const flow = flowOf(
      [
        ['start', 'entry'],
        ['ask', 'ask', { text: 'Well?', input: { kind: 'text' } }],
      ],
      [['start', 'ask']],
    );
    const { state, time } = simulate(flow, script([wait(20), reply('a'), expire]));
    expect(state).toMatchObject({ status: 'completed' });
    expect(minutesIn(time)).toBe(20);
    const expired = simulate(flow, script([wait(20), expire]));
    expect(expired.state).toMatchObject({ status: 'expired', nodeId: 'ask' });
    expect(minutesIn(expired.time)).toBe(30);
    expect(simulate(cart, script([expire])).state).toMatchObject({ status: 'completed', outcome: 'lost' });
  });

  it('notes a reply to a session that has ended, and changes nothing', () => {
    const { state, timeline } = simulate(cart, script([reply('later'), reply('yes')]));
    expect(state).toMatchObject({ status: 'completed', outcome: 'lost' });
    expect(timeline.at(-1)).toMatchObject({ type: 'ignored', step: 2, detail: { reason: 'ended' } });
  });

  it('fails a flow without an entry node', () => {
    expect(simulate(flowOf([], []), script([reply('a')])).state.failure?.code).toBe('NODE_MISSING');
  });

  it('gives the same again, and leaves its script as it was', () => {
    const given = script([reply('maybe'), reply('yes'), wait(5)], { context: { a: { b: 1 } } });
    const before = structuredClone(given);
    expect(simulate(cart, given)).toEqual(simulate(cart, given));
    expect(given).toEqual(before);
  });
});

describe('HTTP requests of a simulation', () => {
  const url = 'https://shop.example/{{context.cart_id}}';
  const polling = flowOf(
    [
      ['start', 'entry'],
      ['poll', 'http_request', { method: 'GET', url, save_as: 'order' }],
      [
        'ready',
        'condition',
        { cases: [{ id: 'yes', all: [{ left: '{{context.order.body.ready}}', op: 'eq', right: true }] }] },
      ],
      ['pause', 'delay', { seconds: 30 }],
      ['done', 'end', { outcome: 'ready' }],
    ],
    [
      ['start', 'poll'],
      ['poll', 'ready', 'success'],
      ['ready', 'done', 'yes'],
      ['ready', 'pause', 'else'],
      ['pause', 'poll'],
    ],
  );
  const answered = (...answers: HttpAnswer[]) => ({
    context: { cart_id: 7 },
    http: new Map([['poll', answers]]),
  });
  const ok = (ready: boolean): HttpAnswer => ({ status: 200, body: JSON.stringify({ ready }) });

  it('are answered in order, and take no time', () => {
    const { state, timeline, time } = simulate(polling, script([wait(1)], answered(ok(false), ok(true))));
    expect(state).toMatchObject({ status: 'completed', outcome: 'ready' });
    expect(timeline.filter(({ type }) => type === 'http_answer')).toHaveLength(2);
    expect(minutesIn(time)).toBe(1);
  });

  it('are given the last answer again when there are more of them', () => {
    const { timeline } = simulate(polling, script([wait(2)], answered(ok(false))));
    expect(timeline.filter(({ type }) => type === 'http_answer')).toHaveLength(5);
  });

  it.each<[string, HttpAnswer]>([
    ['a status', { status: 503, body: 'no' }],
    ['an error', { error: 'timed out' }],
  ])('fail with %s', (_what, answer) => {
    const { state } = simulate(polling, script([], answered(answer)));
    expect(state).toMatchObject({
      status: 'failed',
      failure: { code: 'HTTP_REQUEST_FAILED', nodeId: 'poll' },
    });
  });

  it('are not sent, and fail, where a value leads their path elsewhere', () => {
    const { timeline, problem } = simulate(
      polling,
      script([], { context: { cart_id: '..' }, http: new Map() }),
    );
    expect(problem).toBeNull();
    expect(timeline.find(({ type }) => type === 'http_answer')).toMatchObject({
      detail: { error: 'the path holds . or ..' },
    });
  });

  it('without an answer stop the simulation and name the node', () => {
    const { problem, state, timeline } = simulate(
      polling,
      script([reply('hi')], { context: { cart_id: 7 } }),
    );
    expect(problem).toEqual({
      code: 'HTTP_ANSWER_MISSING',
      step: 0,
      nodeId: 'poll',
      message: 'no HTTP answer is given for the node poll, which asks GET https://shop.example/7',
    });
    expect(state).toMatchObject({ status: 'running', nodeId: 'poll' });
    expect(timeline.at(-1)).toMatchObject({ type: 'node', nodeId: 'poll' });
  });
});

describe('a simulation that would not end', () => {
  const url = 'https://shop.example/';
  const loop = flowOf(
    [
      ['start', 'entry'],
      ['ask', 'http_request', { method: 'GET', url }],
      ['tell', 'send_message', { text: '{{context.long}}' }],
    ],
    [
      ['start', 'ask'],
      ['ask', 'tell', 'success'],
      ['tell', 'ask'],
    ],
  );
  const http = new Map<string, HttpAnswer[]>([['ask', [{ status: 200, body: '' }]]]);

  it('is ended by the limits of a session', () => {
    const { state, problem } = simulate(loop, script([], { http }));
    expect(problem).toBeNull();
    expect(state.failure?.code).toBe('TOO_MANY_SPRINTS');
  });

  it('stops where it has written too much', () => {
    const { problem, state } = simulate(loop, script([], { http, context: { long: 'x'.repeat(9_000) } }));
    expect(problem).toMatchObject({ code: 'SIMULATION_TOO_LONG' });
    expect(state.status).toBe('running');
  });

  it('stops when it is told to', () => {
    const turns = simulateInTurns(loop, script([reply('a')], { http }));
    expect(turns.next(false).done).toBe(false);
    expect(turns.next(false).done).toBe(false);
    expect(turns.next(true)).toMatchObject({
      done: true,
      value: { problem: { code: 'SIMULATION_TOO_LONG' } },
    });
  });
});

describe('coverage', () => {
  it('lists every node and handle, and says which were entered and taken', () => {
    const { coverage } = simulate(cart, script([reply('yes')]));
    expect(coverage.nodes).toEqual([
      { id: 'start', entered: true, handles: [{ id: 'default', taken: true }] },
      {
        id: 'ask',
        entered: true,
        handles: [
          { id: 'yes', taken: true },
          { id: 'later', taken: false },
          { id: 'invalid', taken: false },
          { id: 'timeout', taken: false },
        ],
      },
      { id: 'pause', entered: true, handles: [{ id: 'default', taken: false }] },
      { id: 'pay', entered: false, handles: [{ id: 'default', taken: false }] },
      { id: 'won', entered: false, handles: [] },
      { id: 'lost', entered: false, handles: [] },
    ]);
    expect(coveredShare(coverage)).toBe(5 / 13);
  });

  it('of several simulations is what any of them covers', () => {
    const [yes, later, timeout, invalid] = [
      [reply('yes'), wait(5)],
      [reply('later')],
      [expire],
      [reply('a'), reply('b')],
    ].map((steps) => simulate(cart, script(steps)).coverage);
    expect(coveredShare(joinCoverage([yes!, later!, timeout!]))).toBe(12 / 13);
    expect(coveredShare(joinCoverage([yes!, later!, timeout!, invalid!]))).toBe(1);
  });

  it('of a flow without nodes is whole', () => {
    expect(coveredShare({ nodes: [] })).toBe(1);
  });
});
