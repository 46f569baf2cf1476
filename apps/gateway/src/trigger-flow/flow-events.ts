import { EventListener } from '@parley/events';
import type { Logger } from '@parley/service';
import type { BatchedCalls } from './batched-calls.ts';

/**
 * Drops what is cached of a flow as soon as it is published, unpublished or archived anywhere. Undefined without a
 * URL; an event that is missed costs nothing but the rest of the cache's second.
 */
export function followFlowEvents(
  natsUrl: string | undefined,
  calls: BatchedCalls,
  logger: Logger,
): EventListener | undefined {
  if (natsUrl === undefined) return undefined;
  return new EventListener({
    url: natsUrl,
    name: '/parley/gateway',
    subjects: ['flow.published', 'flow.unpublished'],
    onEvent: ({ tenantId, subject }) => calls.dropPublishedFlow({ tenantId, flowId: subject }),
    logger,
  });
}
