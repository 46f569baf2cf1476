import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, EventProbe, freePort } from '@parley/testing';
import { Cluster, type Answer, type App, type Name } from '../cluster.ts';
import { CANARIES, everyRequestWith } from './canaries.ts';
import { LogKeeper } from './log-keeper.ts';
import { sendHttp } from './raw-http.ts';

const APPS: App[] = ['gateway', 'contact', 'flow-catalog', 'session', 'channel'];
const NAMES: Name[] = ['gateway', 'gateway-2', 'contact', 'flow-catalog', 'session', 'session-2', 'channel'];

let cluster: Cluster;
let logs: LogKeeper;
let probe: EventProbe;
let metricsOf: (name: Name) => Promise<string>;

beforeAll(async () => {
  const ports = new Map<Name, number>();
  for (const name of NAMES) ports.set(name, await freePort());
  cluster = await Cluster.start({
    replicas: { gateway: 2 },
    settings: (name) => ({ METRICS_PORT: String(ports.get(name)!) }),
  });
  expect(cluster.names).toEqual(NAMES);
  metricsOf = async (name) => (await fetch(`http://127.0.0.1:${ports.get(name)!}/metrics`)).text();
  logs = new LogKeeper(cluster);
  probe = await EventProbe.open('PARLEY_SESSION', cluster.tenantIdOf());
});
afterAll(async () => {
  await probe.close();
  await cluster.stop();
});

const me = (gateway: string, token: string): Promise<Answer> =>
  sendHttp(gateway, { method: 'GET', path: '/api/v1/me', headers: { Authorization: `Bearer ${token}` } });

/** Every row of every table of a service's database, as text. */
async function dumpOf(app: App): Promise<string> {
  const tables = await cluster.query<{ name: string }>(
    app,
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const dumps = tables.map(({ name }) =>
    cluster.query<{ row: string }>(app, `SELECT t::text AS row FROM ${name} t`),
  );
  return (await Promise.all(dumps))
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

describe('a token', () => {
  const gateways = (): string[] => cluster.replicasOf('gateway').map((name) => cluster.addressOf(name));

  it('is refused by every replica of the gateway within a second of being revoked, in the midst of traffic (26)', async () => {
    const token = await cluster.createToken('acme');
    const [row] = await cluster.query<{ id: string }>(
      'gateway',
      'SELECT id FROM api_tokens ORDER BY id DESC LIMIT 1',
    );
    /** When each replica took the token last. */
    const taken = new Map<string, number>();
    let running = true;
    const callers = gateways().map(async (gateway) => {
      while (running) {
        const sentAt = performance.now();
        if ((await me(gateway, token)).status === 200) taken.set(gateway, sentAt);
      }
    });
    await eventually(() => expect(taken.size).toBe(2));
    await cluster.run('gateway', 'token.js', ['revoke', row!.id]);
    const revokedAt = performance.now();
    await eventually(async () => {
      for (const gateway of gateways()) expect((await me(gateway, token)).status).toBe(401);
    });
    running = false;
    await Promise.all(callers);
    expect(taken.size).toBe(2);
    for (const lastTaken of taken.values()) expect(lastTaken - revokedAt).toBeLessThanOrEqual(1_000);
  });

  it('is in no log and in no dump of any database, wherever it was sent (26)', async () => {
    const token = await cluster.createToken('acme');
    const mistyped = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
    const secret = token.slice('parley_'.length, 50);
    for (const gateway of gateways()) {
      const send = (path: string, authorization?: string): Promise<Answer> =>
        sendHttp(gateway, {
          method: 'GET',
          path,
          headers: authorization ? { Authorization: authorization } : {},
        });
      expect((await me(gateway, token)).status).toBe(200);
      const answers = [
        await me(gateway, mistyped),
        await send('/api/v1/me', token),
        await send(`/api/v1/me?token=${token}`),
        await send(`/api/v1/flows/${token}`, `Bearer ${token}`),
        await send(`/${token}`, `Bearer ${token}`),
        await send(`/api/v1/flows?after=${token}`, `Bearer ${token}`),
        await send(`/api/v1/flows/%zz?${token}`, `Bearer ${token}`),
      ];
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 404, 404, 422, 400]);
      for (const { text } of answers) expect(text).not.toContain(secret);
    }
    const listed = await cluster.run('gateway', 'token.js', ['list', '--json']);
    expect(listed).not.toContain(secret);
    expect(logs.linesWith([secret])).toEqual([]);
    for (const app of APPS) {
      const dump = await dumpOf(app);
      expect(dump.length).toBeGreaterThan(0);
      for (const form of [secret, Buffer.from(token).toString('hex')]) expect(dump).not.toContain(form);
    }
  });
});

describe('phones, names, contexts and what else callers send of people', () => {
  const answers: Answer[] = [];
  const ask = async (): Promise<number[]> => {
    const given = await everyRequestWith(cluster);
    answers.push(...given);
    return given.map(({ status }) => status);
  };

  it('are taken where they are right, and refused where they are wrong', async () => {
    const statuses = await ask();
    for (const status of [200, 201, 400, 404, 422]) expect(statuses).toContain(status);
  });

  it('meet queries that fail', async () => {
    for (const [app, table] of [
      ['contact', 'contacts'],
      ['session', 'sessions'],
    ] as const) {
      await cluster.query(app, `ALTER TABLE ${table} RENAME TO away`);
      expect(await ask()).toContain(500);
      await cluster.query(app, `ALTER TABLE away RENAME TO ${table}`);
    }
    expect(logs.text()).toContain('Unexpected error');
  });

  it('meet a constraint that refuses them', async () => {
    await cluster.query('contact', `ALTER TABLE contacts ADD CONSTRAINT spec CHECK (name = '') NOT VALID`);
    expect(await ask()).toContain(500);
    await cluster.query('contact', 'ALTER TABLE contacts DROP CONSTRAINT spec');
  });

  it('meet databases that are away', async () => {
    for (const app of APPS) {
      await cluster.withoutDatabase(app, async () => {
        // What the gateway has looked up lately, it knows for a second more.
        await eventually(async () => expect((await ask()).some((status) => status >= 500)).toBe(true));
      });
    }
    await cluster.ready();
  });

  const leaksOfMetrics = async (): Promise<string[]> => {
    const pages = await Promise.all(NAMES.map(metricsOf));
    for (const page of pages) expect(page).toContain('parley_');
    return CANARIES.filter((canary) => pages.some((page) => page.includes(canary)));
  };

  it('are in no name, label or value of a metric (34)', async () => {
    expect(await leaksOfMetrics()).toEqual([]);
  });

  it('meet services that are killed', async () => {
    const names = [...cluster.replicasOf('contact'), ...cluster.replicasOf('session')];
    const under = ask();
    await logs.kill(...names);
    await under;
    expect(await ask()).toContain(503);
    await Promise.all(names.map((name) => cluster.restart(name)));
  });

  it('are, after all that, in no log (34)', () => {
    expect(logs.text()).toContain('Request');
    expect(logs.linesWith(CANARIES)).toEqual([]);
  });

  it('are in no metric afterwards either (34)', async () => {
    await ask();
    expect(await leaksOfMetrics()).toEqual([]);
  });

  it('are in no answer that refuses (34)', () => {
    const refusals = answers.filter(({ status }) => status >= 400);
    expect(refusals.length).toBeGreaterThan(50);
    const telling = refusals.filter(({ text, headers }) => {
      const all = text + JSON.stringify([...headers]);
      return CANARIES.some((canary) => all.includes(canary));
    });
    expect(telling.map(({ status, text }) => [status, text])).toEqual([]);
  });

  it('are in no event (34)', async () => {
    await eventually(async () => {
      expect(await cluster.query('session', 'SELECT 1 FROM outbox WHERE published_at IS NULL')).toEqual([]);
    });
    await eventually(() => expect(probe.events.length).toBeGreaterThan(0));
    const events = JSON.stringify(probe.events);
    expect(CANARIES.filter((canary) => events.includes(canary))).toEqual([]);
  });
});
