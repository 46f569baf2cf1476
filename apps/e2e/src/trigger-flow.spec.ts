import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventProbe, eventually } from '@parley/testing';
import { Cluster } from './cluster.ts';

interface Scenario {
  label: string;
  body: unknown;
  status: number;
  /** The whole answer. */
  answer?: Record<string, unknown>;
  /** Or: the fields a validation error names, and no others. */
  invalid?: string[];
  writes: { contacts?: number; sessions?: number; events?: number };
}

const scenarios = JSON.parse(
  readFileSync(new URL('trigger-flow.scenarios.json', import.meta.url), 'utf8'),
) as Scenario[];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let cluster: Cluster;
/** What the names that begin with $ stand for. */
let names: Record<string, unknown>;
let phones = 0;

const newPhone = (): string => `+1415555${String((phones += 1)).padStart(4, '0')}`;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.createToken('rival');
  const createContact = async (phone: string, tenant?: string): Promise<string> => {
    const { body } = await cluster.request('POST', '/actions/create-contact', { phone }, tenant);
    return (body as { id: string }).id;
  };
  const ended = async (verb: string): Promise<string> => {
    const id = await cluster.createFlow();
    await cluster.request('POST', `/flows/${id}/${verb}`);
    return id;
  };
  const contactPhone = newPhone();
  const optedOutPhone = newPhone();
  names = {
    $published: await cluster.createFlow(),
    $otherPublished: await cluster.createFlow(),
    $draft: await cluster.createFlow({ publish: false }),
    $noEntry: await cluster.createFlow({ entry: false }),
    $unpublished: await ended('unpublish'),
    $archived: await ended('archive'),
    $foreignFlow: await cluster.createFlow({ tenant: 'rival' }),
    $contact: await createContact(contactPhone),
    $contactPhone: contactPhone,
    $contactPhoneSpaced: contactPhone.replace(/^\+1(\d{3})(\d{3})/, '+1 ($1) $2-'),
    $optedOut: await createContact(optedOutPhone),
    $optedOutPhone: optedOutPhone,
    $foreignContact: await createContact('+33612345678', 'rival'),
    $unknown: '0190b0a0-0000-7000-8000-000000000000',
    $tooLarge: { text: 'x'.repeat(65_536) },
    $tooDeep: JSON.parse('{"a":'.repeat(20) + '{}' + '}'.repeat(20)),
  };
  await cluster.request('POST', `/contacts/${names['$optedOut'] as string}/opt-out`);
});
afterAll(() => cluster.stop());

describe('POST /api/v1/actions/trigger-flow', () => {
  it.each(scenarios)('$label: $status', async ({ body, status, answer, invalid, writes }) => {
    const before = await countRows();
    const response = await cluster.trigger(resolve(body));
    expect(response.status).toBe(status);
    if (answer) {
      expect(response.body).toEqual(resolve(answer));
      // The order of the keys is part of the contract.
      expect(Object.keys(response.body as object)).toEqual(Object.keys(answer));
    }
    if (invalid) {
      const errors = Object.fromEntries(invalid.map((field) => [field, [expect.any(String)]]));
      expect(response.body).toEqual({ message: 'The given data was invalid.', errors });
    }
    const after = await countRows();
    expect({
      contacts: after.contacts - before.contacts,
      sessions: after.sessions - before.sessions,
      events: after.events - before.events,
    }).toEqual({ contacts: 0, sessions: 0, events: 0, ...writes });
  });

  it('a new contact is opted in, and a trigger rewrites no consent', async () => {
    const phone = newPhone();
    const { body } = await cluster.trigger({ flow_id: names['$published'], phone });
    const { contact_id: id } = body as { contact_id: string };
    const [created] = await cluster.query<{ opted_in_at: Date; source: string }>(
      'contact',
      'SELECT * FROM contacts WHERE id = $1',
      [id],
    );
    expect(created).toMatchObject({ source: 'api', opted_in_at: expect.any(Date) });
    await cluster.trigger({ flow_id: names['$otherPublished'], phone });
    const [unchanged] = await cluster.query('contact', 'SELECT * FROM contacts WHERE id = $1', [id]);
    expect(unchanged).toEqual(created);
  });

  it('200 simultaneous triggers with the largest contexts all start', async () => {
    const context = { text: 'x'.repeat(65_000) };
    const flow_id = names['$published'];
    const bodies = Array.from({ length: 200 }, () => ({ flow_id, phone: newPhone(), context }));
    const answers = await Promise.all(bodies.map((body) => cluster.trigger(body)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
  });

  it('an unpublished flow starts nothing from then on, though triggers of it were under way', async () => {
    const flow = await cluster.createFlow();
    const under = Array.from({ length: 20 }, () => cluster.trigger({ flow_id: flow, phone: newPhone() }));
    await cluster.request('POST', `/flows/${flow}/unpublish`);
    const after = await cluster.trigger({ flow_id: flow, phone: newPhone() });
    expect([after.status, after.body]).toEqual([404, { error: 'Flow not found or not published' }]);
    for (const answer of await Promise.all(under)) expect([201, 404]).toContain(answer.status);
    await cluster.request('POST', `/flows/${flow}/publish`);
    expect((await cluster.trigger({ flow_id: flow, phone: newPhone() })).status).toBe(201);
  });

  it('200 simultaneous triggers over two session replicas start one session (P1)', async () => {
    const probe = await EventProbe.open('PARLEY_SESSION', cluster.tenantIdOf());
    const flow = await cluster.createFlow();
    const before = await countRows();
    const phone = newPhone();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => cluster.trigger({ flow_id: flow, phone })),
    );

    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(199);
    const ids = new Set(answers.map((answer) => (answer.body as { id: string }).id));
    expect(ids.size).toBe(1);
    const after = await countRows();
    expect([
      after.contacts - before.contacts,
      after.sessions - before.sessions,
      after.events - before.events,
    ]).toEqual([1, 1, 2]);

    const [id] = [...ids];
    await eventually(() => expect(probe.of(id!)).toHaveLength(2));
    await eventually(async () => {
      expect(await cluster.query('session', 'SELECT 1 FROM outbox WHERE published_at IS NULL')).toEqual([]);
    });
    expect(probe.of(id!).map((event) => event.type)).toEqual(['session.started', 'message.requested']);
    await probe.close();
  });

  it.each([
    ['{}'],
    [
      '{"z":1,"a":[1.5,-0.25,1e-7,0.12345678901234567890123,true,null],"nested":{"é":"🦜 \\" \\\\ \\n"},"empty":{}}',
    ],
    ['{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":"x"}'],
  ])('the context %s comes back exactly as it was sent (28)', async (context) => {
    const flow = names['$published'] as string;
    const started = await cluster.trigger(
      `{"flow_id":"${flow}","phone":"${newPhone()}","context":${context}}`,
    );
    expect(started.status).toBe(201);
    const session = await cluster.request('GET', `/sessions/${(started.body as { id: string }).id}`);
    expect(session.text).toContain(`"context":${context},`);
  });
});

async function countRows(): Promise<{ contacts: number; sessions: number; events: number }> {
  const count = async (app: 'contact' | 'session', table: string): Promise<number> => {
    const [row] = await cluster.query<{ count: number }>(app, `SELECT count(*)::int AS count FROM ${table}`);
    return row!.count;
  };
  return {
    contacts: await count('contact', 'contacts'),
    sessions: await count('session', 'sessions'),
    events: await count('session', 'outbox_events'),
  };
}

function resolve(value: unknown): unknown {
  if (value === '$newPhone') return newPhone();
  if (value === '$uuid') return expect.stringMatching(UUID);
  if (typeof value === 'string') return names[value] ?? value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]));
}
