import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventProbe, HttpRecorder, type RecordedEvent } from '@parley/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { CHANNEL_STREAM } from './channel-stream.ts';
import { FAILURE_CODES } from './send-outcome.ts';
import { ChannelApp, newMessage } from './testing/channel-app.ts';

interface AsyncApi {
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  components: { messages: Record<string, { payload: { $ref: string } }>; schemas: Record<string, object> };
}

const read = (file: string): string =>
  readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8');
const document = parse(read('asyncapi.yaml')) as AsyncApi;

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addSchema({ $id: 'asyncapi', components: document.components });

let app: ChannelApp;
let events: RecordedEvent[];

beforeAll(async () => {
  app = await ChannelApp.create();
  await app.addReplica({ RETRY_SECONDS: '0.1' });
  let status = 200;
  const receiver = await HttpRecorder.start(() => ({ status }));
  const message = newMessage(app, { text: 'never in an event' });
  await app.setWebhook(message.tenantId, receiver.url);
  await app.request(message);
  const probe = await EventProbe.open('PARLEY_CHANNEL', message.tenantId);
  await probe.waitFor('message.delivered');
  status = 500;
  await app.request(newMessage(app, { tenantId: message.tenantId }));
  await probe.waitFor('message.failed');
  await probe.close();
  await receiver.close();
  ({ events } = probe);
});
afterAll(() => app.close());

describe('docs/asyncapi.yaml', () => {
  it.each(CHANNEL_STREAM.subjects)('describes %s as it is published', (type) => {
    const { address, messages } = document.channels[type]!;
    expect(address).toBe(type);
    const [message] = Object.keys(messages);
    const validate = ajv.getSchema(`asyncapi${document.components.messages[message!]!.payload.$ref}`)!;
    const published = events.filter((event) => event.type === type);
    expect(published).toHaveLength(1);
    const [event] = published;
    void validate(event);
    expect(validate.errors).toBeNull();
    // The description is tight: it refuses what is not there and what should be.
    expect(validate({ ...event, unknown: 1 })).toBe(false);
    expect(validate({ ...event, data: { ...event!.data, phone: '+14155550123' } })).toBe(false);
    expect(validate({ ...event, data: { ...event!.data, attempts: -1 } })).toBe(false);
    expect(validate({ ...event, data: {} })).toBe(false);
  });

  it('promises no texts and no personal data, and none is published', () => {
    expect(JSON.stringify(events)).not.toMatch(/never in an event|4155550123/);
  });
});

describe('docs/channels.md', () => {
  it('lists every failure code, and no other', () => {
    const rows = [...read('channels.md').matchAll(/^\| `([A-Z_]+)` +\|/gm)].map((row) => row[1]);
    expect(rows).toEqual([...FAILURE_CODES]);
  });
});
