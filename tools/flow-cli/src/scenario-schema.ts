import {
  SIMULATION_LIMITS,
  type HttpAnswer,
  type JsonObject,
  type SimulationStep,
} from '@parley/flow-engine';
import { z } from 'zod';

/** 2026-01-05, a Monday, at 09:00 UTC: a scenario that says nothing of the time comes out the same every day. */
const DEFAULT_START = '2026-01-05T09:00:00Z';

const ONE_STEP = 'must be one of reply, choose, wait, expire, expect_message and expect_node';
const DURATION = 'must be a time such as 30s, 10m, 1h30m or 1d, of at most 7d';

/** What YAML reads as a number or a boolean is a text all the same. */
const text = z.union([z.string(), z.number(), z.boolean()], 'must be a text').transform(String);

const object = z.record(z.string(), z.json(), 'must be an object').transform((value) => value as JsonObject);

const contact = z.strictObject(
  {
    phone: text.optional(),
    name: text.optional(),
    email: text.optional(),
    tags: z.array(text, 'must be a list').optional(),
    metadata: object.optional(),
  },
  'must be an object',
);

const answer = z
  .strictObject(
    {
      status: z.int().min(100).max(599).optional(),
      /** What is no text is answered as JSON. */
      body: z
        .json()
        .transform((body) => (typeof body === 'string' ? body : JSON.stringify(body)))
        .optional(),
      error: text.optional(),
    },
    'must be an object with status or error',
  )
  .refine(({ status, error }) => (status === undefined) !== (error === undefined), {
    error: 'must have status or error, and only one of them',
  })
  .transform(({ status, body = '', error = '' }): HttpAnswer =>
    status === undefined ? { error } : { status, body },
  );

const answers = z.preprocess(
  (one): unknown => (Array.isArray(one) ? one : [one]),
  z.array(answer).min(1, 'must not be empty'),
);

const http = z
  .record(z.string(), answers, 'must be an object')
  .transform((nodes) => new Map(Object.entries(nodes)));

const duration = text.transform((given, context): number => {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] =
    /^(?:(\d{1,4})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(given) ?? [];
  const ms = (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  if (ms > 0 && ms <= SIMULATION_LIMITS.waitMs) return ms;
  context.addIssue(DURATION);
  return z.NEVER;
});

/** What is expected of a message: its text, or those of its parts that are named. */
const expectedMessage = z.preprocess(
  (given): unknown => (typeof given === 'object' ? given : { text: given }),
  z.strictObject({
    text: text.optional(),
    template: text.optional(),
    media: text.optional(),
    choices: z.array(text, 'must be a list').optional(),
  }),
);

export type ExpectedMessage = z.output<typeof expectedMessage>;

/** A step of the simulation, or something expected between two. */
export type ScenarioStep =
  | { type: 'simulate'; step: SimulationStep }
  | { type: 'expect_message'; message: ExpectedMessage }
  | { type: 'expect_node'; node: string };

const stepKeys = z.strictObject(
  {
    reply: text.optional(),
    choose: text.optional(),
    wait: duration.optional(),
    expire: z.literal(true, 'must be true').optional(),
    expect_message: expectedMessage.optional(),
    expect_node: text.optional(),
  },
  ONE_STEP,
);

const step = z.preprocess(
  (given): unknown => (given === 'expire' ? { expire: true } : given),
  stepKeys
    .refine(
      (keys) => Object.values<unknown>(keys).filter((value) => value !== undefined).length === 1,
      ONE_STEP,
    )
    .transform((given): ScenarioStep => {
      if (given.reply !== undefined) return simulated({ type: 'reply', text: given.reply });
      if (given.choose !== undefined) return simulated({ type: 'choose', choice: given.choose });
      if (given.wait !== undefined) return simulated({ type: 'wait', ms: given.wait });
      if (given.expect_message) return { type: 'expect_message', message: given.expect_message };
      if (given.expect_node !== undefined) return { type: 'expect_node', node: given.expect_node };
      return simulated({ type: 'expire' });
    }),
);

function simulated(step: SimulationStep): ScenarioStep {
  return { type: 'simulate', step };
}

const handoff = z.preprocess(
  (given): unknown => (typeof given === 'object' ? given : { queue: given }),
  z.strictObject({ queue: text, note: text.optional() }),
);

/** What is expected of the end. What is not named may be anything, but for replies that nothing waited for. */
const expectedEnd = z.strictObject(
  {
    status: z
      .enum(['running', 'completed', 'expired', 'failed'], 'must be running, completed, expired or failed')
      .optional(),
    outcome: text.optional(),
    /** The failure's code. */
    failure: text.optional(),
    /** Where the session stands or ended. */
    node: text.optional(),
    /** Every node, in the order of entering. */
    nodes: z.array(text, 'must be a list').optional(),
    /** Every message, in order. */
    messages: z.array(expectedMessage, 'must be a list').optional(),
    /** Keys of the context, with all that is in them; null: not there. */
    context: object.optional(),
    /** Every tag of the contact. */
    tags: z.array(text, 'must be a list').optional(),
    /** Every handoff, in order. */
    handoffs: z.array(handoff, 'must be a list').optional(),
    /** Every warning of the timeline, in order. */
    warnings: z.array(text, 'must be a list').optional(),
    /** How many replies nothing waited for. */
    ignored: z.int().min(0).default(0),
  },
  'must be an object',
);

export type ExpectedEnd = z.output<typeof expectedEnd>;

const startAt = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-05-07T08:14:23Z' })
  .transform((time) => Date.parse(time));

const TOO_MANY = `must not be more than ${SIMULATION_LIMITS.steps}, expectations not counted`;

const steps = z
  .array(step, 'must be a list')
  .refine((all) => all.filter(({ type }) => type === 'simulate').length <= SIMULATION_LIMITS.steps, TOO_MANY);

const scenarioKeys = z.strictObject(
  {
    name: text,
    start: startAt.prefault(DEFAULT_START),
    context: object.default({}),
    contact: contact.default({}),
    http: http.prefault({}),
    steps: steps.default([]),
    expect: expectedEnd.prefault({}),
  },
  'must be an object',
);

const scenario = scenarioKeys.transform(({ start, ...rest }) => ({ ...rest, startAt: start }));

/** Every key of a scenario, of a step and of what is expected at the end; documents.spec.ts holds docs/flows.md to them. */
export const SCENARIO_KEYS = Object.keys(scenarioKeys.shape);
export const STEP_KEYS = Object.keys(stepKeys.shape);
export const EXPECTED_KEYS = Object.keys(expectedEnd.shape);

/** docs/flows.md describes it. */
export const scenarioFile = z.strictObject(
  {
    flow: z.string('must be the path of a file').min(1, 'must be the path of a file'),
    scenarios: z.array(scenario, 'must be a list').min(1, 'must not be empty'),
  },
  'must be an object with flow and scenarios',
);
