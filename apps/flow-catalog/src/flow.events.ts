import { randomUUIDv7 } from 'node:crypto';
import type { OutgoingEvent } from '@parley/events';
import type { FlowEntity } from './flow.entity.ts';
import type { FlowVersionEntity } from './flow-version.entity.ts';

/** Of a flow that was just published with this version. Proto: flow_events.proto. */
export function flowPublished(flow: FlowEntity, version: FlowVersionEntity): OutgoingEvent {
  return event('flow.published', flow, version.publishedAt, data(flow, version));
}

/** Of a flow that was just unpublished or archived; version: the one that was published until now. */
export function flowUnpublished(flow: FlowEntity, version: FlowVersionEntity, now: Date): OutgoingEvent {
  return event('flow.unpublished', flow, now, { ...data(flow, version), unpublished_at: now });
}

function event(type: string, flow: FlowEntity, time: Date, body: Record<string, unknown>): OutgoingEvent {
  const { tenantId, id, eventSequence: sequence } = flow;
  return { id: randomUUIDv7(), tenantId, type, subject: id, sequence, time, data: JSON.stringify(body) };
}

function data(flow: FlowEntity, version: FlowVersionEntity): Record<string, unknown> {
  return {
    flow_id: flow.id,
    flow_name: version.name,
    flow_version: version.version,
    status: flow.status,
    published_at: version.publishedAt,
  };
}
