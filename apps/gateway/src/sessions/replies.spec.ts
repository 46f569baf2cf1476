import { Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import {
  ReplyResult,
  SessionServiceService,
  type SubmitReplyRequest,
  type SubmitReplyResponse,
} from '@parley/contracts/session';
import { GatewayApp } from '../testing/gateway-app.ts';

const CONTACT = '0190b0a0-0000-7000-8000-000000000001';

let app: GatewayApp;
let token: string;
const sessions = new Server();
/** What the session service was sent. It takes a reply, loses its first answer, and knows the reply when it comes again. */
let taken: SubmitReplyRequest[] = [];

beforeAll(async () => {
  const submitReply = (
    { request }: ServerUnaryCall<SubmitReplyRequest, SubmitReplyResponse>,
    answer: sendUnaryData<SubmitReplyResponse>,
  ): void => {
    const replayed = taken.some(({ messageId }) => messageId !== '' && messageId === request.messageId);
    taken.push(request);
    if (taken.length === 1) answer({ code: status.UNAVAILABLE });
    else answer(null, { result: ReplyResult.NO_SESSION, session: undefined, replayed });
  };
  sessions.addService(SessionServiceService, { submitReply });
  const port = await new Promise<number>((resolve, reject) => {
    sessions.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  app = await GatewayApp.start(() => ({ SESSION_ADDRESS: `127.0.0.1:${port}` }));
  ({ token } = await app.createToken());
});
afterAll(async () => {
  await app.close();
  sessions.forceShutdown();
});
beforeEach(() => {
  taken = [];
});

const receive = (message: object) =>
  app.request('POST', '/api/v1/actions/receive-message', {
    token,
    body: { contact_id: CONTACT, text: 'yes', ...message },
  });

it('a reply without an id that is sent again because its answer was lost is known as the same', async () => {
  const { status: code, body } = await receive({});
  // Its sender has sent it once.
  expect({ code, body }).toEqual({
    code: 200,
    body: { result: 'no_session', replayed: false, session: null },
  });
  expect(taken).toHaveLength(2);
  expect(taken[0]!.messageId).toMatch(/^[\da-f-]{36}$/);
  expect(taken[1]!.messageId).toBe(taken[0]!.messageId);
});

it('two replies without an id are two', async () => {
  await receive({});
  await receive({});
  expect(new Set(taken.map(({ messageId }) => messageId)).size).toBe(2);
});

it('a reply with an id keeps it', async () => {
  const { body } = await receive({ message_id: 'wamid.1' });
  expect(taken.map(({ messageId }) => messageId)).toEqual(['wamid.1', 'wamid.1']);
  expect(body).toMatchObject({ replayed: true });
});

it('what a client sends as null is not given', async () => {
  const { status: code } = await receive({ text: null, payload: 'yes', message_id: null, phone: null });
  expect(code).toBe(200);
  expect(taken[0]).toMatchObject({ text: '', payload: 'yes' });
  const session = `/api/v1/sessions/${CONTACT}/replies`;
  const body = { text: 'yes', payload: null, message_id: null, wait_id: null };
  expect((await app.request('POST', session, { token, body })).status).toBe(200);
  expect(taken.at(-1)).toMatchObject({ text: 'yes', payload: '', waitId: 0 });
  const { body: refused } = await receive({ text: null });
  expect(refused).toMatchObject({ errors: { text: ['is required, or payload'] } });
});
