import { status as GrpcCode, type Client } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { Cluster, type Answer, type Name } from '../cluster.ts';
import { ASKED, rpcOf, WITHOUT_IDS, type Target } from './foreign-ids.rpcs.ts';
import { foreignRequestsOf, type Ids } from './foreign-ids.routes.ts';
import { nameOf, ROUTES } from './operations.ts';
import { keysThatObjectsInherit } from './prototypes.ts';
import { callRaw } from './raw-grpc.ts';
import { rawClients, RPCS } from './rpcs.ts';
import { thingsOf, triggerWithKey } from './things.ts';

/** What every answer to anybody differs in. */
const OWN_TO_EACH_ANSWER = ['x-request-id', 'x-ratelimit-remaining', 'date'];

let cluster: Cluster;
let clients: Map<Name, Client>;
/** The caller's own things, and the other tenant's. */
let own: Ids;
let theirs: Target;
/** The other tenant's rows in every service, before anybody tried anything. */
let before: string;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.createToken('rival');
  clients = rawClients(cluster);
  own = await thingsOf(cluster, 'acme', '+14155550100');
  theirs = await thingsOf(cluster, 'rival', '+14155550101');
  before = await rowsOf('rival');
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await cluster.stop();
});

/** As new as theirs, so that it stands in the same place of any order. */
const nobodys = (): Target => ({
  flow: uuidv7(),
  contact: uuidv7(),
  session: uuidv7(),
  delivery: uuidv7(),
  phone: '+14155550102',
  email: 'nobody@example.com',
  requestId: 'nobodys-request',
});

async function rowsOf(tenant: string): Promise<string> {
  const tables = [
    ['contact', 'contacts'],
    ['flow-catalog', 'flows'],
    ['flow-catalog', 'flow_versions'],
    ['session', 'sessions'],
    ['session', 'outbox'],
    ['channel', 'channels'],
  ] as const;
  const rows = tables.map(([app, table]) => {
    return cluster.query<{ row: string }>(
      app,
      `SELECT to_jsonb(t) - ARRAY['published_at', 'claim_ends_at', 'sent'] AS row FROM ${table} t WHERE tenant_id = $1 ORDER BY 1`,
      [cluster.tenantIdOf(tenant)],
    );
  });
  return JSON.stringify(await Promise.all(rows));
}

function comparable({ status, headers, text }: Answer, id: string): object {
  const kept = [...headers].filter(([name]) => !OWN_TO_EACH_ANSWER.includes(name));
  return { status, headers: Object.fromEntries(kept), text: text.replaceAll(id, '<id>') };
}

describe('over REST, another tenant’s id', () => {
  const requests = ROUTES.flatMap(foreignRequestsOf).map((request) => ({
    name: `${nameOf(request.route)} ${request.place}`,
    request,
  }));

  it('is tried on every route of the document that takes an id', () => {
    expect(new Set(requests.map(({ request }) => nameOf(request.route))).size).toBeGreaterThanOrEqual(19);
  });

  it.each(requests)('in $name is answered as one that nobody has (27, P8)', async ({ request }) => {
    const { route, place, kind } = request;
    const ask = async (id: string): Promise<Answer> => {
      const { path, body } = request.with(id, own);
      return cluster.request(route.method, path.replace('/api/v1', ''), body);
    };
    const unknown = uuidv7();
    const [foreign, missing] = [await ask(theirs[kind]), await ask(unknown)];
    expect(comparable(foreign, theirs[kind])).toEqual(comparable(missing, unknown));
    expect(foreign.text).not.toMatch(/rival/i);
    if (place.startsWith('?')) expect([[], { data: [], next: null }]).toContainEqual(foreign.body);
    // A message of somebody unknown is for no session.
    else if (route.template.endsWith('/receive-message'))
      expect(foreign.body).toMatchObject({ result: 'no_session' });
    else if (!place.includes('[]')) expect(foreign.status).toBe(404);
  });
});

describe('over gRPC, another tenant’s things', () => {
  it('are tried on every RPC of every service (27)', () => {
    const covered = new Set([...Object.keys(ASKED).map(rpcOf), ...Object.keys(WITHOUT_IDS)]);
    expect(RPCS.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  });

  const ask = async (asked: string, tenant: string, target: Target): Promise<{ code: GrpcCode }> => {
    const rpc = RPCS.find(({ name }) => name === rpcOf(asked))!;
    const request = rpc.definition.requestSerialize(ASKED[asked]!(cluster.tenantIdOf(tenant), target));
    const { code, text, details, message } = await callRaw(clients.get(rpc.app)!, rpc.path, request);
    return Object.assign(
      { code, text },
      { details: details.toString('latin1'), message: message.toString('latin1') },
    );
  };

  it.each(Object.keys(ASKED))('asked for with %s are answered as what nobody has (27, P8)', async (asked) => {
    const answer = await ask(asked, 'acme', theirs);
    expect(answer).toEqual(await ask(asked, 'acme', nobodys()));
    expect([GrpcCode.UNAVAILABLE, GrpcCode.INTERNAL, GrpcCode.UNKNOWN]).not.toContain(answer.code);
    expect(JSON.stringify(answer)).not.toMatch(/rival/i);
  });

  it('are as they were, after all that was tried (P8)', async () => {
    expect(before).toContain(theirs.session);
    expect(await rowsOf('rival')).toBe(before);
  });

  it('are answered otherwise when their owner asks the same, so the question was right', async () => {
    for (const asked of Object.keys(ASKED)) {
      const answer = await ask(asked, 'rival', theirs);
      expect({ asked, answer }).not.toEqual({ asked, answer: await ask(asked, 'rival', nobodys()) });
    }
  });
});

describe('over REST, another tenant’s Idempotency-Key', () => {
  it('is one that nobody has used (27, P8)', async () => {
    const body = { flow_id: own.flow, phone: '+14155550103' };
    const answer = await triggerWithKey(cluster, 'acme', theirs.requestId, body);
    expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([201, null]);
    expect(answer.text).not.toContain(theirs.session);
  });
});

keysThatObjectsInherit(
  () => cluster,
  () => clients,
);
