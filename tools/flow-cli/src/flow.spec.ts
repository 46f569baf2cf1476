import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';

const PROGRAM = fileURLToPath(new URL('flow.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-flow-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  code: number;
  output: string;
  errors: string;
}

/** Types `npm run flow -- …` in the folder. */
function flow(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const own = { PATH: process.env['PATH'] ?? '', PARLEY_HOME: folder, ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { cwd: folder, env: own }, (error, output, errors) => {
      resolve({ code: error ? Number(error.code) : 0, output, errors });
    });
  });
}

function write(name: string, content: string | object): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

const cart = {
  name: 'Cart',
  settings: { session_ttl_minutes: 30 },
  definition: {
    nodes: [
      { id: 'start', type: 'entry' },
      {
        id: 'ask',
        type: 'ask',
        data: {
          text: 'Finish {{context.cart_id}}?',
          choices: [{ id: 'yes', title: 'Yes' }],
          timeout_minutes: 10,
        },
      },
      {
        id: 'stock',
        type: 'http_request',
        data: { method: 'GET', url: 'https://shop.example/', save_as: 'stock' },
      },
      { id: 'done', type: 'end', data: { outcome: 'paid' } },
    ],
    edges: [
      { source: 'start', target: 'ask' },
      { source: 'ask', sourceHandle: 'yes', target: 'stock' },
      { source: 'ask', sourceHandle: 'timeout', target: 'done' },
      { source: 'stock', sourceHandle: 'success', target: 'done' },
    ],
  },
};
write('cart.json', cart);

describe('npm run flow', () => {
  it.each([[], ['--help'], ['-h']])('%s lists the commands', async (...args) => {
    const { code, output } = await flow(args);
    expect(code).toBe(0);
    for (const command of ['test', 'validate', 'push', 'pull', 'publish'])
      expect(output).toContain(`  ${command} `);
  });

  it.each(['test', 'validate', 'push', 'pull', 'publish'])(
    '%s --help says how it is used',
    async (command) => {
      const { code, output } = await flow([command, '--help']);
      expect(code).toBe(0);
      expect(output).toMatch(new RegExp(`^npm run flow -- ${command} `));
    },
  );

  it.each([
    [['dance'], 'There is no command dance'],
    [['test'], 'Which files?'],
    [['validate'], 'Which files?'],
    [['push'], 'Which files?'],
    [['publish'], 'One file or id'],
    [['pull'], 'Either ids or --all'],
    [['pull', 'x'], '"x" is no id of a flow.'],
    [['test', 'a.yaml', '--min-coverage', '101'], 'from 0 to 100, not "101"'],
    [['test', 'a.yaml', '--colour'], "Unknown option '--colour'"],
  ])('%j is refused with a reason', async (args, reason) => {
    const { code, errors } = await flow(args);
    expect(code).toBe(1);
    expect(errors).toContain(reason);
    expect(errors).not.toContain('    at ');
  });
});

describe('npm run flow -- test', () => {
  it('passes, and shows what the scenarios cover', async () => {
    const file = write(
      'good.yaml',
      `flow: cart.json
scenarios:
  - name: buys
    context: { cart_id: 7 }
    http: { stock: { status: 200, body: { left: 3 } } }
    steps:
      - expect_message: Finish 7?
      - wait: 9m30s
      - expect_node: ask
      - reply: Yes
    expect:
      status: completed
      outcome: paid
      nodes: [start, ask, stock, done]
      context: { stock: { status: 200, body: { left: 3 } } }
  - name: waits
    steps: [expire]
    expect: { outcome: paid }
`,
    );
    const { code, output } = await flow(['test', file, '--coverage']);
    expect(output.split('\n')).toEqual([
      'good.yaml',
      '  passed  buys',
      '  passed  waits',
      'cart.json: 80 % covered: 4 of 4 nodes, 4 of 6 handles',
      '  not covered: handle  ask.invalid',
      '  not covered: handle  stock.failure',
      '',
    ]);
    expect(code).toBe(0);
    const strict = await flow(['test', file, '--min-coverage', '81']);
    expect(strict.code).toBe(1);
    expect(strict.errors).toContain('Less than 81 % of a flow is covered.');
    expect((await flow(['test', file, '--min-coverage', '80'])).code).toBe(0);
  });

  it('fails, and says of each scenario what differs', async () => {
    const file = write(
      'bad.yaml',
      `flow: cart.json
scenarios:
  - name: differs
    start: 2026-05-07T08:00:00Z
    contact: { tags: [vip] }
    http: { stock: [{ error: away }] }
    steps:
      - expect_message: { text: Pay?, choices: ['No'] }
      - expect_message: Still there?
      - expect_node: done
      - choose: yes
      - reply: Thanks
    expect:
      status: completed
      outcome: paid
      node: done
      nodes: [start]
      messages: []
      context: { cart_id: 7 }
      tags: []
      handoffs: [desk]
      warnings: []
  - name: lacks an answer
    context: { cart_id: 7 }
    steps: [reply: Yes]
`,
    );
    const { code, output } = await flow(['test', file]);
    expect(code).toBe(1);
    expect(output.split('\n').map((line) => line.trim())).toEqual([
      'bad.yaml',
      'FAILED  differs',
      'steps[0].expect_message: expected "Pay?", was "Finish ?"',
      'steps[0].expect_message.choices: expected ["No"], was ["Yes"]',
      'steps[1].expect_message: expected "Still there?", but none was sent',
      'steps[2].expect_node: expected "done", was "ask"',
      'status: expected "completed", was "failed"',
      'outcome: expected "paid", was ""',
      'node: expected "done", was "stock"',
      'nodes: expected ["start"], was ["start","ask","stock"]',
      'messages[0]: not expected: "Finish ?"',
      'context.cart_id: expected 7, was null',
      'tags: expected [], was ["vip"]',
      'handoffs: expected ["desk"], was []',
      'warnings: expected [], was ["context.cart_id has no value"]',
      'ignored: expected 0, was 1: replies that nothing waited for',
      'FAILED  lacks an answer',
      'no HTTP answer is given for the node stock, which asks GET https://shop.example/',
      '',
    ]);
  });

  it('names file, line and place of what it does not know', async () => {
    const file = write(
      'odd.yaml',
      `flow: cart.json
scenario: 1
scenarios:
  - name: odd
    steps:
      - relpy: Yes
      - { reply: a, wait: 1m }
      - wait: soon
      - wait: 8d
    expect: { satus: completed, status: done }
    http: { stock: {} }
    start: noon
  - steps: []
`,
    );
    const { code, errors } = await flow(['test', file]);
    expect(code).toBe(1);
    const oneOf = 'must be one of reply, choose, wait, expire, expect_message and expect_node';
    const duration = 'must be a time such as 30s, 10m, 1h30m or 1d, of at most 7d';
    expect(errors.trimEnd().split('\n').sort()).toEqual(
      [
        'odd.yaml:2: scenario: is not known here',
        'odd.yaml:6: scenarios[0].steps[0].relpy: is not known here',
        `odd.yaml:6: scenarios[0].steps[0]: ${oneOf}`,
        `odd.yaml:7: scenarios[0].steps[1]: ${oneOf}`,
        `odd.yaml:8: scenarios[0].steps[2].wait: ${duration}`,
        `odd.yaml:9: scenarios[0].steps[3].wait: ${duration}`,
        'odd.yaml:10: scenarios[0].expect.satus: is not known here',
        'odd.yaml:10: scenarios[0].expect.status: must be running, completed, expired or failed',
        'odd.yaml:11: scenarios[0].http.stock[0]: must have status or error, and only one of them',
        'odd.yaml:12: scenarios[0].start: must be a time such as 2026-05-07T08:14:23Z',
        'odd.yaml:13: scenarios[1].name: is required',
      ].sort(),
    );
  });

  it.each([
    ['a file that is not there', 'none.yaml', undefined, 'none.yaml: there is no such file'],
    ['what is no YAML', 'no.yaml', 'a: [', 'no.yaml: is no YAML: '],
    ['a key twice', 'twice.yaml', 'flow: a\nflow: b\n', 'twice.yaml: is no YAML: Map keys must be unique'],
    ['a list', 'list.yaml', '- a', 'list.yaml:1: must be an object with flow and scenarios'],
    ['nothing', 'empty.yaml', '', 'must be an object with flow and scenarios'],
    [
      'a flow that is not there',
      'lost.yaml',
      'flow: gone.json\nscenarios: [name: a]',
      'gone.json: there is no such file',
    ],
    [
      'a flow with errors',
      'broken.yaml',
      'flow: broken.json\nscenarios: [name: a]',
      'broken.json: definition.nodes[0].type: must be ',
    ],
    [
      'a flow without an entry',
      'void.yaml',
      'flow: void.json\nscenarios: [name: a]',
      'void.json: there is no entry node',
    ],
  ])('says so of %s, and plays the other files', async (_what, name, content, reason) => {
    write('broken.json', { name: 'B', definition: { nodes: [{ id: 'a', type: 'x' }], edges: [] } });
    write('void.json', { name: 'V', definition: { nodes: [], edges: [] } });
    const other = write('other.yaml', 'flow: cart.json\nscenarios: [name: other]');
    if (content !== undefined) write(name, content);
    const { code, output, errors } = await flow(['test', name, other]);
    expect(code).toBe(1);
    expect(errors).toContain(reason);
    expect(errors).not.toContain('    at ');
    expect(output).toContain('passed  other');
  });
});

describe('npm run flow -- validate', () => {
  it('accepts what can be published, with its warnings', async () => {
    const loose = { ...cart, definition: { ...cart.definition, edges: cart.definition.edges.slice(0, 2) } };
    const { code, output, errors } = await flow(['validate', 'cart.json', write('loose.json', loose)]);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toContain('cart.json: can be published');
    expect(output).toContain(
      'loose.json: warning: definition.nodes[3]: no path leads here from the entry node (NODE_UNREACHABLE)',
    );
  });

  it('refuses what cannot, naming file, field and reason', async () => {
    const files = [
      write('graph.json', {
        ...cart,
        definition: { nodes: [{ id: 'a', type: 'ask', data: { text: '{{' } }], edges: [] },
      }),
      write('keys.json', { ...cart, definiton: {} }),
      write('settings.json', { ...cart, settings: { session_ttl_minutes: 0 } }),
      write('ttl.json', { ...cart, settings: { session_ttl: 5 } }),
      write('nameless.json', { definition: {} }),
      write('text.json', '{'),
      'cart.json',
    ];
    const { code, output, errors } = await flow(['validate', ...files]);
    expect(code).toBe(1);
    expect(output.match(/^.*can be published$/gm)).toEqual(['cart.json: can be published']);
    for (const line of [
      /^graph\.json: error: definition\.nodes\[0\]\.data\.text: .* \(TEMPLATE_INVALID\)$/m,
      /^keys\.json: definiton: is not known here$/m,
      /^settings\.json: settings\.session_ttl_minutes: must be a whole number between 1 and 1440$/m,
      /^ttl\.json: settings\.session_ttl: is not known here$/m,
      /^nameless\.json: name: is required$/m,
      /^text\.json: is no JSON: /m,
    ]) {
      expect(errors).toMatch(line);
    }
  });
});

describe('a command that needs a gateway', () => {
  it.each<[string, string[], Record<string, string>, string]>([
    ['without one', ['push', 'cart.json'], {}, 'No stack runs here. Type "npm start" first'],
    [
      'without a token',
      ['push', 'cart.json'],
      { PARLEY_URL: 'http://127.0.0.1:1' },
      'A token for http://127.0.0.1:1 is needed',
    ],
    [
      'with what is no URL',
      ['pull', '--all', '--url', 'gateway', '--token', 'x'],
      {},
      '"gateway" is no URL of a gateway.',
    ],
    [
      'with one that is away',
      ['pull', '--all', '--url', 'http://127.0.0.1:1', '--token', 'x'],
      {},
      'http://127.0.0.1:1 cannot be reached: ',
    ],
  ])('%s says what is missing', async (_what, args, env, reason) => {
    const { code, errors } = await flow(args, env);
    expect(code).toBe(1);
    expect(errors).toContain(reason);
    expect(errors).not.toContain('    at ');
  });
});

it('a scenario says what is written there, though YAML would make numbers of it', async () => {
  const question = {
    id: 'ask',
    type: 'ask',
    data: { text: 'Phone?', input: { kind: 'phone' }, save_as: 'phone' },
  };
  const code = { id: 'code', type: 'ask', data: { text: 'Code?', input: { kind: 'text' }, save_as: 'code' } };
  const nodes = [{ id: 'start', type: 'entry' }, question, code];
  const edges = [
    { source: 'start', target: 'ask' },
    { source: 'ask', sourceHandle: 'answered', target: 'code' },
  ];
  write('unquoted.json', { name: 'Unquoted', settings: {}, definition: { nodes, edges } });
  const scenarios = write(
    'unquoted.yaml',
    `flow: unquoted.json
scenarios:
  - name: numbers
    context: { total: 049.90, cents: 1.50 }
    contact: { phone: +14155550123 }
    steps:
      - expect_message: Phone?
      - reply: +14155550124
      - expect_message: Code?
      - reply: 012
    expect:
      context: { phone: '+14155550124', code: '012', total: 49.9, cents: 1.5 }
`,
  );
  expect(await flow(['test', scenarios])).toMatchObject({ code: 0, errors: '' });
});
