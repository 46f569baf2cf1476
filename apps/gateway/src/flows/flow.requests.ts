import { FlowStatus } from '@parley/contracts/flow-catalog';
import { DEFINITION_LIMITS } from '@parley/json-limits';
import { z } from 'zod';
import { jsonObject, after, limit, requiredText, requiredUuid } from '../fields.ts';

const TTL = 'must be a whole number between 1 and 1440';

const definition = jsonObject(DEFINITION_LIMITS);

const ttl = z.int(TTL).min(1, TTL).max(1_440, TTL);

const channel = z
  .enum(['webhook', 'whatsapp'], 'must be webhook, whatsapp or null')
  .nullable()
  .transform((name) => name ?? '');

export const settings = z.object(
  { session_ttl_minutes: ttl.default(30), channel: channel.default('') },
  'must be an object',
);

export const createFlowBody = z.object({
  name: requiredText(255),
  definition: definition.optional(),
  settings: settings.optional(),
});

export const updateFlowBody = z.object({
  name: requiredText(255).optional(),
  definition: definition.optional(),
  // What is not sent stays: here a setting has no default.
  settings: z
    .object({ session_ttl_minutes: ttl.optional(), channel: channel.optional() }, 'must be an object')
    .optional(),
});

export const validateFlowBody = z.object({ definition, settings: settings.optional() });

export const getFlowBody = z.object({ flow_id: requiredUuid });

const STATUSES = { draft: FlowStatus.DRAFT, published: FlowStatus.PUBLISHED, archived: FlowStatus.ARCHIVED };

export const listFlowsQuery = z.strictObject({
  status: z
    .enum(['draft', 'published', 'archived'], 'must be draft, published or archived')
    .transform((status) => STATUSES[status])
    .default(FlowStatus.UNSPECIFIED),
  limit,
  after,
});

/** What becomes of the sessions that run. Without a body they go on. */
export const unpublishBody = z
  .object({ mode: z.enum(['continue', 'cancel'], 'must be continue or cancel').default('continue') })
  .nullish();

export const diffQuery = z.strictObject({
  with: z.coerce
    .number('must be a version')
    .int('must be a version')
    .min(1, 'must be a version')
    .max(999_999_999, 'must be a version')
    .optional(),
});

export const pageQuery = z.strictObject({ limit, after });

export type SettingsBody = z.output<typeof settings>;
export type CreateFlowBody = z.output<typeof createFlowBody>;
export type UpdateFlowBody = z.output<typeof updateFlowBody>;
export type ValidateFlowBody = z.output<typeof validateFlowBody>;
export type GetFlowBody = z.output<typeof getFlowBody>;
export type ListFlowsQuery = z.output<typeof listFlowsQuery>;
export type UnpublishBody = z.output<typeof unpublishBody>;
export type DiffQuery = z.output<typeof diffQuery>;
export type PageQuery = z.output<typeof pageQuery>;
