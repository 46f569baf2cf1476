import { SessionStatus } from '@parley/contracts/session';
import { z } from 'zod';
import { after, limit, optionalUuid } from '../fields.ts';

const STATUSES = {
  running: SessionStatus.RUNNING,
  completed: SessionStatus.COMPLETED,
  expired: SessionStatus.EXPIRED,
  failed: SessionStatus.FAILED,
  cancelled: SessionStatus.CANCELLED,
};

export const listSessionsQuery = z.strictObject({
  flow_id: optionalUuid,
  contact_id: optionalUuid,
  status: z
    .enum(
      ['running', 'completed', 'expired', 'failed', 'cancelled'],
      'must be running, completed, expired, failed or cancelled',
    )
    .transform((status) => STATUSES[status])
    .optional(),
  limit,
  after,
});

/** The number of the last entry seen. */
const afterEntry = z.coerce
  .number('must be the next of an earlier page')
  .int('must be the next of an earlier page')
  .min(0, 'must be the next of an earlier page')
  .max(1_000_000_000, 'must be the next of an earlier page')
  .default(0);

export const timelineQuery = z.strictObject({ limit, after: afterEntry });

export const newFlowTriggeredQuery = z.object({ flow_id: optionalUuid });

export type ListSessionsQuery = z.output<typeof listSessionsQuery>;
export type TimelineQuery = z.output<typeof timelineQuery>;
export type NewFlowTriggeredQuery = z.output<typeof newFlowTriggeredQuery>;
