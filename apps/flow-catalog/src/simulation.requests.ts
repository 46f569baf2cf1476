import type { SimulationStep as StepMessage } from '@parley/contracts/flow-catalog';
import {
  SIMULATION_LIMITS,
  type HttpAnswer,
  type JsonObject,
  type SimulationScript,
  type SimulationStep,
} from '@parley/flow-engine';
import { uuid } from '@parley/grpc';
import { checkJsonText, CONTEXT_LIMITS } from '@parley/json-limits';
import { z } from 'zod';
import { definition, settings } from './flow.requests.ts';

const MAX_WAIT_SECONDS = SIMULATION_LIMITS.waitMs / 1_000;
const MAX_BODY_BYTES = 256 * 1024;

const jsonObject = z.string().transform((text, context): JsonObject => {
  const checked = checkJsonText(text || '{}', CONTEXT_LIMITS);
  if ('text' in checked) return JSON.parse(checked.text) as JsonObject;
  context.addIssue(checked.problem);
  return z.NEVER;
});

const text = (max: number) => z.string().max(max, `must not be longer than ${max} characters`);

const contact = z
  .object({
    phone: text(64),
    name: text(255),
    email: text(255),
    tags: z.array(text(64)).max(100, 'must not be more than 100'),
    metadata: jsonObject,
  })
  .default({ phone: '', name: '', email: '', tags: [], metadata: {} });

const startTime = z
  .date()
  .min(0, 'must be from 1970 to 9000')
  .max(new Date('9001-01-01'), 'must be from 1970 to 9000')
  .optional();

/** Reported under the name of what the step does: steps[2].wait_seconds. */
const step = z.unknown().transform((input, context): SimulationStep => {
  const { step } = input as StepMessage;
  const problem = stepProblem(step);
  if (step && problem === undefined) return toStep(step);
  context.addIssue({ code: 'custom', message: problem ?? 'is required', path: step ? [step.$case] : [] });
  return z.NEVER;
});

function stepProblem(step: StepMessage['step']): string | undefined {
  switch (step?.$case) {
    case 'reply':
      return step.value.length > 4096 ? 'must not be longer than 4096 characters' : undefined;
    case 'choose':
      return step.value === '' || step.value.length > 64 ? 'must have 1 to 64 characters' : undefined;
    case 'waitSeconds':
      return step.value < 1 || step.value > MAX_WAIT_SECONDS
        ? `must be between 1 and ${MAX_WAIT_SECONDS}`
        : undefined;
    case 'expire':
      return step.value ? undefined : 'must be true';
    default:
      return 'must be reply, choose, wait_seconds or expire';
  }
}

function toStep(step: NonNullable<StepMessage['step']>): SimulationStep {
  switch (step.$case) {
    case 'reply':
      return { type: 'reply', text: step.value };
    case 'choose':
      return { type: 'choose', choice: step.value };
    case 'waitSeconds':
      return { type: 'wait', ms: step.value * 1_000 };
    case 'expire':
      return { type: 'expire' };
  }
}

const httpAnswer = z
  .object({
    nodeId: z.string().min(1, 'is required').max(64, 'must not be longer than 64 characters'),
    status: z.int(),
    body: z
      .string()
      .refine((body) => Buffer.byteLength(body) <= MAX_BODY_BYTES, 'must not be larger than 256 KiB'),
    error: text(1_000),
  })
  .refine(({ status, error }) => error !== '' || (status >= 100 && status <= 599), {
    path: ['status'],
    error: 'must be between 100 and 599, or error must be there',
  })
  .refine(({ status, error }) => error === '' || status === 0, {
    path: ['error'],
    error: 'must not be there with a status',
  });

const httpAnswers = z
  .array(httpAnswer)
  .max(SIMULATION_LIMITS.httpAnswers, `must not be more than ${SIMULATION_LIMITS.httpAnswers}`)
  .transform(answersByNode);

function answersByNode(given: readonly z.output<typeof httpAnswer>[]): SimulationScript['http'] {
  const byNode = new Map<string, HttpAnswer[]>();
  for (const { nodeId, status, body, error } of given) {
    const answers = byNode.get(nodeId) ?? [];
    byNode.set(nodeId, [...answers, error === '' ? { status, body } : { error }]);
  }
  return byNode;
}

const flowId = z.union([z.literal(''), uuid], 'must be a UUID');

export const simulateFlowRequest = z
  .object({
    tenantId: uuid,
    flowId,
    version: z.int().min(0, 'must be 1 or more'),
    /** Empty: none, and not the empty graph as elsewhere. */
    definition: z.union([z.literal(''), definition]),
    settings: settings.optional(),
    context: jsonObject,
    contact,
    startTime,
    steps: z.array(step).max(SIMULATION_LIMITS.steps, `must not be more than ${SIMULATION_LIMITS.steps}`),
    httpAnswers,
  })
  .refine(({ flowId, definition }) => flowId !== '' || definition !== '', {
    path: ['flow_id'],
    error: 'is required unless there is a definition',
  })
  .refine(({ version, definition }) => version === 0 || definition === '', {
    path: ['version'],
    error: 'must not be there with a definition',
  })
  .refine(({ settings, definition }) => settings === undefined || definition !== '', {
    path: ['settings'],
    error: 'must not be there without a definition',
  });

export type SimulateFlow = z.output<typeof simulateFlowRequest>;
