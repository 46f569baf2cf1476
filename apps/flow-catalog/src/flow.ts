import { DomainError } from '@parley/errors';
import {
  checkFlow,
  readsContact,
  type FlowCheck,
  type FlowCheckSettings,
  type FlowProblem,
} from '@parley/flow-engine';
import type { FlowEntity } from './flow.entity.ts';
import type { FlowVersionEntity } from './flow-version.entity.ts';

export interface DraftChange {
  name?: string | undefined;
  definition?: string | undefined;
  sessionTtlMinutes?: number | undefined;
  channel?: string | undefined;
}

/** Changes the draft; what is published stays. Fails with FLOW_ARCHIVED. */
export function editDraft(flow: FlowEntity, change: DraftChange): void {
  refuseArchived(flow);
  flow.name = change.name ?? flow.name;
  flow.draftDefinition = change.definition ?? flow.draftDefinition;
  flow.sessionTtlMinutes = change.sessionTtlMinutes ?? flow.sessionTtlMinutes;
  flow.channel = change.channel ?? flow.channel;
}

/**
 * Makes the draft the flow's next version. Gives the version to store, or none where the version published now says
 * the same already. Fails with FLOW_ARCHIVED, FLOW_GRAPH_INVALID.
 */
export function publish(
  flow: FlowEntity,
  current: FlowVersionEntity | null,
  now: Date,
): { version: FlowVersionEntity | undefined; warnings: FlowProblem[] } {
  refuseArchived(flow);
  const { errors, warnings, entryNodeId } = checkDefinition(flow.draftDefinition, flow);
  if (errors.length > 0) {
    const fields = errors.map((error) => ({ field: error.field, description: error.message }));
    throw new DomainError('invalid_argument', 'FLOW_GRAPH_INVALID', 'The flow cannot be published', {
      fields,
    });
  }
  const { name, draftDefinition: definition, sessionTtlMinutes, channel } = flow;
  const content = { name, definition, sessionTtlMinutes, channel, entryNodeId };
  return { version: addVersion(flow, content, current, now), warnings };
}

/**
 * Makes a version published before the flow's next one; the draft stays. Gives the version to store, or none where the
 * version published now says the same already. Fails with FLOW_ARCHIVED.
 */
export function republish(
  flow: FlowEntity,
  earlier: FlowVersionEntity,
  current: FlowVersionEntity | null,
  now: Date,
): FlowVersionEntity | undefined {
  refuseArchived(flow);
  return addVersion(flow, earlier, current, now);
}

type Content = Pick<
  FlowVersionEntity,
  'name' | 'definition' | 'sessionTtlMinutes' | 'channel' | 'entryNodeId'
>;

function addVersion(
  flow: FlowEntity,
  { name, definition, sessionTtlMinutes, channel, entryNodeId }: Content,
  current: FlowVersionEntity | null,
  now: Date,
): FlowVersionEntity | undefined {
  const says = { name, definition, sessionTtlMinutes, channel };
  if (current && saysTheSame(says, current)) return undefined;
  flow.latestVersion += 1;
  flow.status = 'published';
  flow.publishedVersion = flow.latestVersion;
  flow.publishedAt = now;
  flow.eventSequence += 1;
  return {
    tenantId: flow.tenantId,
    flowId: flow.id,
    version: flow.latestVersion,
    ...says,
    entryNodeId,
    readsContact: readsContact(JSON.parse(definition)),
    publishedAt: now,
  };
}

/** Stops new starts. Fails with FLOW_ARCHIVED. */
export function unpublish(flow: FlowEntity): void {
  refuseArchived(flow);
  retire(flow, 'draft');
}

/** Stops new starts and any further change. */
export function archive(flow: FlowEntity): void {
  retire(flow, 'archived');
}

/** What publishing a definition would find. */
export function checkDefinition(
  definition: string,
  { sessionTtlMinutes, channel }: FlowCheckSettings,
): FlowCheck {
  return checkFlow(JSON.parse(definition), { sessionTtlMinutes, channel });
}

export function flowNotFound(): DomainError {
  return new DomainError('not_found', 'FLOW_NOT_FOUND', 'Flow not found');
}

export function versionNotFound(): DomainError {
  return new DomainError('not_found', 'FLOW_VERSION_NOT_FOUND', 'No such version of this flow');
}

function retire(flow: FlowEntity, status: 'draft' | 'archived'): void {
  // Only what was published has ceased to be.
  if (flow.publishedVersion !== null) flow.eventSequence += 1;
  flow.status = status;
  flow.publishedVersion = null;
  flow.publishedAt = null;
}

function refuseArchived(flow: FlowEntity): void {
  if (flow.status === 'archived')
    throw new DomainError('failed_precondition', 'FLOW_ARCHIVED', 'Flow is archived');
}

function saysTheSame(a: Omit<Content, 'entryNodeId'>, b: Omit<Content, 'entryNodeId'>): boolean {
  return (
    a.name === b.name &&
    a.definition === b.definition &&
    a.sessionTtlMinutes === b.sessionTtlMinutes &&
    a.channel === b.channel
  );
}
