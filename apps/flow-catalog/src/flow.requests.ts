import { FlowStatus } from '@parley/contracts/flow-catalog';
import { FLOW_CHANNELS } from '@parley/flow-engine';
import { pageSize, uuid } from '@parley/grpc';
import { checkJsonText, DEFINITION_LIMITS } from '@parley/json-limits';
import { z } from 'zod';

const DEFAULT_TTL_MINUTES = 30;
const MAX_TTL_MINUTES = 1_440;
const EMPTY_GRAPH = '{"nodes":[],"edges":[]}';

const name = z
  .string()
  .min(1, 'must not be empty')
  .max(255, 'must not be longer than 255 characters')
  .refine((value) => !value.includes('\0'), 'must not contain NUL characters');

/** A draft may be broken as a graph, but not as JSON. */
export const definition = z.string().transform((text, context) => {
  const checked = checkJsonText(text || EMPTY_GRAPH, DEFINITION_LIMITS);
  if ('text' in checked) return checked.text;
  context.addIssue(checked.problem);
  return z.NEVER;
});

const sessionTtlMinutes = z
  .int()
  .min(0, `must be between 1 and ${MAX_TTL_MINUTES}`)
  .max(MAX_TTL_MINUTES, `must be between 1 and ${MAX_TTL_MINUTES}`)
  .transform((minutes) => minutes || DEFAULT_TTL_MINUTES);

const channel = z.enum(['', ...FLOW_CHANNELS], 'must be webhook or whatsapp');

export const settings = z.object({ sessionTtlMinutes, channel });

export const defaultSettings: z.output<typeof settings> = {
  sessionTtlMinutes: DEFAULT_TTL_MINUTES,
  channel: '',
};
const pageToken = z.string().max(1_000);

export const createFlowRequest = z.object({
  tenantId: uuid,
  name,
  definition,
  settings: settings.default(defaultSettings),
});

export const updateFlowRequest = z.object({
  tenantId: uuid,
  id: uuid,
  name: name.optional(),
  definition: definition.optional(),
  settings: settings.optional(),
  settingsChange: z
    .object({ sessionTtlMinutes: sessionTtlMinutes.optional(), channel: channel.optional() })
    .optional(),
});

export const flowRequest = z.object({ tenantId: uuid, id: uuid });

export const listFlowsRequest = z.object({
  tenantId: uuid,
  status: z.enum(
    [FlowStatus.UNSPECIFIED, FlowStatus.DRAFT, FlowStatus.PUBLISHED, FlowStatus.ARCHIVED],
    'must be a flow status',
  ),
  pageSize,
  pageToken,
});

export const validateFlowRequest = z.object({
  tenantId: uuid,
  definition,
  settings: settings.default(defaultSettings),
});

/** One item of a batch is checked by itself, so that a bad one fails alone. */
export const getPublishedFlowRequest = z.object({ tenantId: uuid, flowId: uuid });

export const getFlowVersionRequest = z.object({
  tenantId: uuid,
  flowId: uuid,
  version: z.int().min(1, 'must be 1 or more'),
});

const versionOrDraft = z.int().min(0, 'must be a version, or 0 for the draft');

export const compareFlowVersionsRequest = z.object({
  tenantId: uuid,
  flowId: uuid,
  fromVersion: versionOrDraft,
  toVersion: versionOrDraft,
});

export const listFlowVersionsRequest = z.object({ tenantId: uuid, flowId: uuid, pageSize, pageToken });

export type CreateFlow = z.output<typeof createFlowRequest>;
export type UpdateFlow = z.output<typeof updateFlowRequest>;
export type FlowRequest = z.output<typeof flowRequest>;
export type ListFlows = z.output<typeof listFlowsRequest>;
export type ValidateFlow = z.output<typeof validateFlowRequest>;
export type GetPublishedFlow = z.output<typeof getPublishedFlowRequest>;
export type GetFlowVersion = z.output<typeof getFlowVersionRequest>;
export type CompareFlowVersions = z.output<typeof compareFlowVersionsRequest>;
export type ListFlowVersions = z.output<typeof listFlowVersionsRequest>;
