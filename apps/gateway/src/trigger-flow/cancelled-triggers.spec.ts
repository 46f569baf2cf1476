import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TriggerGateway } from '../testing/trigger-gateway.ts';

let gateway: TriggerGateway;

beforeAll(async () => {
  gateway = await TriggerGateway.start();
});
afterAll(() => gateway.close());

const ITEM = { flow_id: '', phone: '+14155550123' };
const JSON_TYPE = 'application/json';
let flows = 0;

/** What each kind of request sends for one trigger, of a flow that nobody asked for yet. */
const REQUESTS: [string, string, string, (item: string) => string][] = [
  ['a trigger', 'trigger-flow', JSON_TYPE, (item) => item],
  ['a batch', 'trigger-flow/batch', JSON_TYPE, (item) => `{"items":[${item}]}`],
  ['a stream of JSON lines', 'trigger-flow/batch', 'application/x-ndjson', (item) => `${item}\n`],
];

/** Sends a request, does something to its connection while its flow is looked up, and tells how often a contact was asked for then. */
async function resolutionsAfter(
  [, path, type, bodyOf]: (typeof REQUESTS)[number],
  act: (socket: Socket) => void,
): Promise<number> {
  const [asked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  gateway.catalog.beforeAnswer = () => {
    asked.resolve();
    return goOn.promise;
  };
  gateway.contacts.resolutions = 0;
  flows += 1;
  const body = bodyOf(JSON.stringify({ ...ITEM, flow_id: `0190b0a0-0000-7000-8000-00000000000${flows}` }));
  const isStream = type !== JSON_TYPE;
  const socket = gateway.connect();
  socket.write(
    `POST /api/v1/actions/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${gateway.token}\r\nContent-Type: ${type}\r\n` +
      (isStream ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`) +
      `\r\n\r\n${isStream ? `${body.length.toString(16)}\r\n${body}\r\n` : body}`,
  );
  await asked.promise;
  act(socket);
  // Until the gateway knows; and until it would have asked.
  await sleep(100);
  goOn.resolve();
  await sleep(300);
  socket.destroy();
  return gateway.contacts.resolutions;
}

it.each(REQUESTS)(
  '%s whose caller goes while the flow is looked up asks for no contact',
  async (...request) => {
    expect(await resolutionsAfter(request, (socket) => socket.destroy())).toBe(0);
  },
);

it.each(REQUESTS)('%s whose caller stays asks for one', async (...request) => {
  expect(await resolutionsAfter(request, () => undefined)).toBe(1);
});
