import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { runCommand, startProcess, type StartedProcess } from '@parley/local-servers';
import { EventProbe, eventually } from '@parley/testing';
import { readStackFile, type StackDescription } from './stack-file.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HOME = mkdtempSync(join(tmpdir(), 'parley npm start '));
const STACK_FILE = join(HOME, 'stack.json');
const LOG = join(HOME, 'terminal.log');
const START_LIMIT_MS = 110_000;
/** Sessions of this flow last the shortest time there is. */
const TTL_MS = 60_000;

const env = {
  ...process.env,
  NODE_OPTIONS: '',
  DATABASE_URL: '',
  NATS_URL: '',
  PARLEY_HOME: HOME,
  SESSION_REPLICAS: '2',
  ...Object.fromEntries(
    ['GATEWAY', 'CONTACT', 'FLOW_CATALOG', 'SESSION', 'CHANNEL', 'CHANNEL_HTTP', 'POSTGRES', 'NATS'].map(
      (name) => [`${name}_PORT`, '0'],
    ),
  ),
};

// A session lasts a minute at least, and a start builds what is not built.
jest.setTimeout(120_000);

let terminal: StartedProcess;
let stack: StackDescription;

async function npmStart(settings: Record<string, string> = {}): Promise<void> {
  rmSync(LOG, { force: true });
  terminal = await startProcess({
    name: 'npm start',
    command: 'npm',
    args: ['start'],
    cwd: ROOT,
    env: { ...env, ...settings },
    logFile: LOG,
  });
  const state = { ended: false };
  void terminal.exited.then(() => (state.ended = true));
  await eventually(() => {
    if (!state.ended && !existsSync(STACK_FILE)) throw new Error(`Not ready:\n${readFileSync(LOG, 'utf8')}`);
  }, START_LIMIT_MS);
  if (state.ended) throw new Error(`npm start ended:\n${readFileSync(LOG, 'utf8')}`);
  stack = readStackFile(HOME)!;
  await eventually(() => expect(readFileSync(LOG, 'utf8')).toContain('Parley is ready'));
}

async function api(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${stack.gateway}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${stack.token}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Whose certificate is shown at host:port. */
async function certificateNameOf(address: string): Promise<string> {
  const [host, port] = address.split(':');
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  // We have none to show, and are refused after that.
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

beforeAll(() => npmStart(), START_LIMIT_MS + 5_000);
afterAll(async () => {
  await terminal.stop();
  rmSync(HOME, { recursive: true, force: true });
});

describe('npm start', () => {
  it('writes what runs where to a file that only its owner reads', () => {
    expect(statSync(STACK_FILE).mode & 0o777).toBe(0o600);
    const services = ['contact', 'flow_catalog', 'session', 'channel'];
    expect(stack).toEqual({
      gateway: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      grpc: Object.fromEntries(services.map((name) => [name, expect.stringMatching(/^127\.0\.0\.1:\d+$/)])),
      nats: expect.stringMatching(/^nats:\/\//),
      databases: Object.fromEntries(
        [...services, 'gateway'].map((name) => [name, expect.stringMatching(/^postgres:\/\//)]),
      ),
      tenant_id: expect.any(String),
      token: expect.stringMatching(/^parley_/),
      flows: {
        abandoned_cart: expect.any(String),
        main_menu: expect.any(String),
        support_triage: expect.any(String),
      },
      pids: Object.fromEntries([...services, 'gateway'].map((name) => [name, expect.any(Number)])),
      replicas: expect.anything(),
    });
  });

  it('prints a curl that works as pasted: 201, and 200 already_running when pasted again; started is on NATS at once', async () => {
    const curl = /^curl (?:.*\\\n)*.*$/m.exec(readFileSync(LOG, 'utf8'))![0];
    const probe = await EventProbe.open('PARLEY_SESSION', stack.tenant_id, stack.nats);
    const first = await runCommand('bash', ['-c', curl]);
    const second = await runCommand('bash', ['-c', curl]);
    expect(first).toContain('HTTP/1.1 201 Created');
    expect(first).toContain('"status":"started"');
    expect(second).toContain('HTTP/1.1 200 OK');
    expect(second).toContain('"status":"already_running"');
    const id = /"id":"([^"]+)"/.exec(first)![1]!;
    expect(second).toContain(id);
    await probe.waitFor('session.started');
    await probe.waitFor('message.requested');
    expect(probe.of(id).map((event) => event.type)).toEqual(['session.started', 'message.requested']);
    await probe.close();
  });

  it('talks in npm run chat, which takes up a session where it waits, with the choices there are', async () => {
    const phone = '+14155550177';
    const started = await api('POST', '/actions/trigger-flow', { flow_id: stack.flows['main_menu'], phone });
    expect(started.status).toBe(201);
    const chat = `printf '2\\n123456\\nNo, thanks\\n' | npm run chat -- --flow main_menu --phone ${phone}`;
    const said = await runCommand('bash', ['-c', chat], { cwd: ROOT, env });
    expect(said.slice(said.indexOf('──'), said.indexOf('── completed')).split('\n')).toEqual([
      `── Main menu: already running, session ${String(started.body['id'])}`,
      'bot> What can we do for you?',
      '     1. Opening hours',
      '     2. My order',
      '     3. Talk to a person',
      expect.stringMatching(/^── it waits at menu until \d{4}-/),
      'you> 2',
      'bot> What is the number of your order? It has six digits.',
      'you> 123456',
      'bot> Follow your order here: https://shop.example/orders/123456',
      'bot> Anything else?',
      '     1. Back to the menu',
      '     2. No, thanks',
      'you> No, thanks',
      'bot> Thank you, goodbye!',
      '',
    ]);
    expect(said).toContain('── completed, outcome answered. What happened:');
  });

  it('talks to the session it shows, whatever else has asked the phone since, and ends when there are no more answers', async () => {
    const phone = '+14155550188';
    const [older, newer] = ['main_menu', 'support_triage'];
    const starts = [older, newer].map((key) => ({ flow_id: stack.flows[key], phone, context: {} }));
    for (const start of starts) expect((await api('POST', '/actions/trigger-flow', start)).status).toBe(201);
    const chat = `printf '2\\n' | npm run chat -- --flow ${older} --phone ${phone}`;
    const said = await runCommand('bash', ['-c', chat], { cwd: ROOT, env });
    expect(said).toContain(
      'you> 2\nbot> What is the number of your order? It has six digits.\n── no more answers; it waits on',
    );
  });

  it('shows templates and media in npm run chat', async () => {
    const message = (id: string, data: object) => ({ id, type: 'send_message', data });
    const nodes = [
      { id: 'start', type: 'entry' },
      message('template', {
        template: { name: 'order_update', language: 'en', variables: { order: '{{context.order}}' } },
      }),
      message('media', { text: 'See', media: { type: 'image', url: 'https://shop.example/cart.png' } }),
      { id: 'person', type: 'handoff', data: { queue: 'sales' } },
    ];
    const edges = nodes.slice(1).map(({ id }, n) => ({ source: nodes[n]!.id, target: id }));
    const { body } = await api('POST', '/flows', { name: 'Shown', definition: { nodes, edges } });
    expect((await api('POST', `/flows/${String(body['id'])}/publish`)).status).toBe(200);
    const chat = `npm run chat -- --flow ${String(body['id'])} --phone +14155550199 --context '{"order":"7"}'`;
    const said = await runCommand('bash', ['-c', chat], { cwd: ROOT, env });
    expect(said).toContain('bot> [template order_update, order: 7]\n');
    expect(said).toContain(
      'bot> [image https://shop.example/cart.png]\nbot> See\n── handed over to people\n',
    );
    expect(said).toMatch(/ node +person → default +queue "sales"/);
  });

  it('expires a session of a one-minute flow by itself, within two seconds, and npm run events shows both events (P5)', async () => {
    const rest = { id: 'rest', type: 'delay', data: { minutes: 1440 } };
    const definition = {
      nodes: [{ id: 'start', type: 'entry', data: {} }, rest],
      edges: [{ source: 'start', target: 'rest' }],
    };
    const created = await api('POST', '/flows', {
      name: 'One minute',
      definition,
      settings: { session_ttl_minutes: 1 },
    });
    await api('POST', `/flows/${String(created.body['id'])}/publish`);
    const started = await api('POST', '/actions/trigger-flow', {
      flow_id: created.body['id'],
      phone: '+14155550142',
    });
    expect(started.status).toBe(201);
    const id = String(started.body['id']);

    const printed = join(HOME, 'events.log');
    const events = await startProcess({
      name: 'npm run events',
      command: 'npm',
      args: ['run', 'events'],
      cwd: ROOT,
      env,
      logFile: printed,
    });
    const linesOf = (type: string): string[] =>
      readFileSync(printed, 'utf8')
        .split('\n')
        .filter((line) => line.includes(id) && line.includes(type));
    const probe = await EventProbe.open('PARLEY_SESSION', stack.tenant_id, stack.nats);
    const [expired] = await eventually(() => {
      const found = probe.of(id).filter((event) => event.type === 'session.expired');
      if (found.length === 0) throw new Error('No session.expired yet');
      return found;
    }, TTL_MS + 20_000);
    const due = Date.parse(String(expired!.data['started_at'])) + TTL_MS;
    expect(Date.parse(String(expired!.data['expires_at']))).toBe(due);
    expect(Date.parse(expired!.time) - due).toBeGreaterThanOrEqual(0);
    expect(Date.parse(expired!.time) - due).toBeLessThan(2_000);
    expect((await api('GET', `/sessions/${id}`)).body).toMatchObject({ status: 'expired' });
    await eventually(() => {
      expect(linesOf('session.started')).toHaveLength(1);
      expect(linesOf('session.expired')).toHaveLength(1);
    });
    await events.stop();
    await probe.close();
  });

  it('stops everything on SIGTERM, and finds the same data, token and flows when started again, with mutual TLS', async () => {
    const before = stack;
    await terminal.stop();
    await eventually(() => expect(Object.values(before.pids).filter(isAlive)).toEqual([]));
    expect(existsSync(STACK_FILE)).toBe(false);
    await npmStart({ PARLEY_TLS: 'true' });
    expect([stack.token, stack.tenant_id, stack.flows]).toEqual([
      before.token,
      before.tenant_id,
      before.flows,
    ]);
    const { body } = await api('GET', `/sessions?flow_id=${stack.flows['abandoned_cart']!}`);
    expect(body['data']).toHaveLength(1);
    expect(await certificateNameOf(stack.grpc.session)).toBe('session');
  });

  it('stops everything, and says so, when one part crashes', async () => {
    process.kill(stack.pids.contact, 'SIGKILL');
    const { code } = await terminal.exited;
    expect(code).toBe(1);
    expect(Object.values(stack.pids).filter(isAlive)).toEqual([]);
    expect(readFileSync(LOG, 'utf8')).toMatch(/contact.*(ended|stopped|crashed|SIGKILL)/i);
  });
});
