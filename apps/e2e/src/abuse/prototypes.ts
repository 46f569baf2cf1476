import type { Client } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import {
  GetContactRequest,
  GetContactResponse,
  UpsertContactRequest,
  UpsertContactResponse,
} from '@parley/contracts/contact';
import {
  GetSessionRequest,
  GetSessionResponse,
  StartSessionRequest,
  StartSessionResponse,
} from '@parley/contracts/session';
import { v7 as uuidv7 } from 'uuid';
import type { Cluster, Name } from '../cluster.ts';
import { callRaw } from './raw-grpc.ts';
import { RPCS } from './rpcs.ts';

/** What every object would have if one of these texts reached a prototype: names that our own requests and rows use. */
const POLLUTION =
  '{"flow_id":"0190b0a0-0000-7000-8000-000000000000","phone":"+14155550188","limit":1,"name":"polluted",' +
  '"id":"0190b0a0-0000-7000-8000-000000000000","status":"polluted","metadata":"polluted","scopes":[],"then":1}';

/** As it is sent, and as it comes back where that is another spelling of the same. */
const TEXTS: [string, string?][] = [
  [`{"__proto__":${POLLUTION}}`],
  [`{"\\u005f\\u005fproto\\u005f\\u005f":${POLLUTION}}`, `{"__proto__":${POLLUTION}}`],
  [`{"constructor":{"prototype":${POLLUTION}}}`],
  [`{"c\\u006fnstructor":{"prot\\u006ftype":${POLLUTION}}}`, `{"constructor":{"prototype":${POLLUTION}}}`],
  [`{"a":{"__proto__":{"__proto__":${POLLUTION}}}}`],
  [`{"a":[{"constructor":{"prototype":${POLLUTION}}}]}`],
  ['{"toString":null,"valueOf":1,"hasOwnProperty":"x","toJSON":"x","then":{},"length":-1}'],
  ['{"__defineGetter__":"x","__lookupSetter__":"x","prototype":{"x":1}}'],
];

let phones = 0;
const newPhone = (): string => `+1415557${String((phones += 1)).padStart(4, '0')}`;

/** Keys that JavaScript gives a meaning, in what callers may send freely (28). */
export function keysThatObjectsInherit(cluster: () => Cluster, clients: () => Map<Name, Client>): void {
  const call = async (name: string, request: Uint8Array): Promise<Buffer> => {
    const rpc = RPCS.find((one) => one.name === name)!;
    const { code, text, message } = await callRaw(clients().get(rpc.app)!, rpc.path, Buffer.from(request));
    expect({ code, text }).toEqual({ code: 0, text: '' });
    return message;
  };
  const post = (path: string, body: string) => cluster().request('POST', path, body);
  const idOf = (answer: { body: unknown }): string => (answer.body as { id: string }).id;

  describe('keys that objects inherit', () => {
    it.each(TEXTS)('in the free fields of REST come back as sent: %s (28)', async (sent, back = sent) => {
      const flow = await post('/flows', `{"name":"x","definition":${sent}}`);
      expect((await cluster().request('GET', `/flows/${idOf(flow)}`)).text).toContain(
        `"definition":${back},`,
      );
      const flow_id = await cluster().createFlow();
      const trigger = `{"flow_id":"${flow_id}","phone":"${newPhone()}","context":${sent}}`;
      const session = await cluster().request(
        'GET',
        `/sessions/${idOf(await post('/actions/trigger-flow', trigger))}`,
      );
      expect(session.text).toContain(`"context":${back},`);
      // Merged into what is there, key by key.
      const contact = `{"phone":"${newPhone()}","metadata":${sent}}`;
      for (let time = 0; time < 2; time++) {
        expect((await post('/actions/create-contact', contact)).text).toContain(`"metadata":${back},`);
      }
    });

    it.each(TEXTS)('in the free fields of gRPC come back as sent: %s (28)', async (sent, back = sent) => {
      const tenantId = cluster().tenantIdOf();
      const upsert = UpsertContactRequest.fromPartial({
        tenantId,
        phone: newPhone(),
        fields: { metadata: sent },
      });
      const upserted = UpsertContactResponse.decode(
        await call('ContactService/UpsertContact', UpsertContactRequest.encode(upsert).finish()),
      );
      const id = upserted.contact!.id;
      const get = GetContactRequest.encode({ tenantId, lookup: { $case: 'id', value: id } }).finish();
      const { contact } = GetContactResponse.decode(await call('ContactService/GetContact', get));
      expect([upserted.contact!.metadata, contact!.metadata]).toEqual([back, back]);

      const flowId = await cluster().createFlow();
      const start = StartSessionRequest.fromPartial({
        tenantId,
        flowId,
        flowVersion: 1,
        contactId: uuidv7(),
        context: sent,
      });
      const { sessionId } = StartSessionResponse.decode(
        await call('SessionService/StartSession', StartSessionRequest.encode(start).finish()),
      );
      const read = GetSessionRequest.encode({ tenantId, id: sessionId }).finish();
      const { session } = GetSessionResponse.decode(await call('SessionService/GetSession', read));
      expect(session!.context).toBe(back);
    });

    it('as the body itself set no field of it (28)', async () => {
      for (const [text] of TEXTS) {
        const { status, body } = await post('/actions/trigger-flow', text);
        expect(status).toBe(422);
        expect(Object.keys((body as { errors: object }).errors).sort()).toEqual([
          'contact_id',
          'flow_id',
          'phone',
        ]);
      }
    });

    it('have changed no process: what is not given is still missing, and nothing has a value of theirs (28)', async () => {
      const empty = await post('/actions/trigger-flow', '{}');
      expect(empty.text).toBe(
        '{"message":"The given data was invalid.","errors":{"flow_id":["is required"],' +
          '"contact_id":["contact_id or phone is required"],"phone":["contact_id or phone is required"]}}',
      );
      const fresh = await post('/actions/create-contact', JSON.stringify({ phone: newPhone() }));
      expect(fresh.body).toMatchObject({ name: null, email: null, tags: [], metadata: {} });
      const flows = await cluster().request('GET', '/flows');
      expect((flows.body as { data: [] }).data.length).toBeGreaterThan(1);
      const unknown = await cluster().request('GET', `/sessions/${uuidv7()}`);
      expect(unknown.text).toBe('{"error":"Session not found"}');
    });
  });
}
