import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { StartSessionRequest } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { EventProbe, type RecordedEvent } from '@parley/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { EFFECT_EVENT_TYPES } from './effect-events.ts';
import type { LockedSession } from './session-memory.ts';
import { newStart, SessionApp } from './testing/session-app.ts';

/** What a session may end as. */
const ENDS: Record<Exclude<LockedSession['status'], 'running'>, true> = {
  completed: true,
  failed: true,
  expired: true,
  cancelled: true,
};

interface AsyncApi {
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  components: { messages: Record<string, { payload: { $ref: string } }>; schemas: Record<string, object> };
}

const document = parse(
  readFileSync(new URL('../../../docs/asyncapi.yaml', import.meta.url), 'utf8'),
) as AsyncApi;

/** Flows have events as well, and so has what became of messages; flow-catalog and channel publish those. */
const described = Object.keys(document.channels).filter(
  (type) => !type.startsWith('flow.') && !['message.delivered', 'message.failed'].includes(type),
);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('uuid', UUID);
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addSchema({ $id: 'asyncapi', components: document.components });

let app: SessionApp;
let events: RecordedEvent[];

beforeAll(async () => {
  app = await SessionApp.create();
  await app.addReplica();
  const request = newStart(app, { context: '{"secret":"never in an event"}' });
  const probe = await EventProbe.open('PARLEY_SESSION', request.tenantId);
  const expiring = await app.start(request);
  await app.setExpiry(expiring.sessionId, '0 seconds');
  await probe.waitFor('session.expired');
  const { sessionId: id } = await app.start(request);
  await call(app.client, app.client.cancelSession, { tenantId: request.tenantId, id });
  await probe.waitFor('session.cancelled');
  await app.start(converse(request, { outcome: 'told' }));
  await probe.waitFor('session.completed');
  await app.start(converse(request, { failing: true }));
  await probe.waitFor('session.failed');
  await probe.close();
  ({ events } = probe);
});
afterAll(() => app.close());

/** A start of a flow that asks for everything that a flow can, and ends at once. */
function converse(
  { tenantId }: StartSessionRequest,
  { outcome, failing = false }: { outcome?: string; failing?: boolean },
): StartSessionRequest {
  const request = newStart(app, { tenantId });
  const nodes = [
    { id: 'start', type: 'entry' },
    {
      id: 'hello',
      type: 'send_message',
      data: { text: 'Hello', media: { type: 'image', url: 'https://a.example/b' } },
    },
    {
      id: 'approved',
      type: 'send_message',
      data: { template: { name: 'reminder', language: 'en', variables: { day: 'Monday' } } },
    },
    { id: 'tags', type: 'set', data: { tags_add: ['told'], tags_remove: ['new'] } },
    { id: 'desk', type: 'handoff', data: { queue: 'desk', note: 'Please call' } },
    // As long as a text may be, and longer than a context.
    { id: 'grow', type: 'set', data: { assign: failing ? growing() : { 'context.told': true } } },
    { id: 'end', type: 'end', data: { outcome } },
  ];
  const edges = nodes.slice(1).map(({ id }, index) => ({ source: nodes[index]!.id, target: id }));
  app.flowCatalog.publish(tenantId, request.flowId, { definition: JSON.stringify({ nodes, edges }) });
  return request;
}

function growing(): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`context.big${index}`, 'x'.repeat(4_096)]),
  );
}

describe('docs/asyncapi.yaml', () => {
  it('describes every event there is, and no other', () => {
    const all = [
      'session.started',
      ...Object.keys(ENDS).map((end) => `session.${end}`),
      ...Object.values(EFFECT_EVENT_TYPES),
    ];
    expect(described.toSorted()).toEqual(all.toSorted());
    expect(new Set(events.map((event) => event.type))).toEqual(new Set(described));
  });

  it.each(described)('describes %s as it is published', (type) => {
    const { address, messages } = document.channels[type]!;
    expect(address).toBe(type);
    const [message] = Object.keys(messages);
    const validate = ajv.getSchema(`asyncapi${document.components.messages[message!]!.payload.$ref}`)!;
    const published = events.filter((event) => event.type === type);
    expect(published.length).toBeGreaterThan(0);
    for (const event of published) {
      void validate(event);
      expect(validate.errors).toBeNull();
    }
    // The description is tight: it refuses what is not there and what should be.
    const [event] = published;
    expect(validate({ ...event, unknown: 1 })).toBe(false);
    expect(validate({ ...event, data: { ...event!.data, phone: '+14155550123' } })).toBe(false);
    if ('status' in event!.data) {
      expect(validate({ ...event, data: { ...event!.data, status: 'else' } })).toBe(false);
    }
    expect(validate({ ...event, sequence: 0 })).toBe(false);
  });

  it('promises no contexts and no personal data, and none is published', () => {
    expect(JSON.stringify(events)).not.toContain('never in an event');
  });
});
