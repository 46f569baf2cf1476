import type { SimulatedHttpAnswer, SimulationStep } from '@parley/contracts/flow-catalog';
import { shortList } from '@parley/grpc';
import { CONTEXT_LIMITS, DEFINITION_LIMITS } from '@parley/json-limits';
import { z } from 'zod';
import { given, jsonObject } from '../fields.ts';
import { settings } from './flow.requests.ts';

const MAX_STEPS = 200;
const MAX_WAIT_SECONDS = 604_800;
const MAX_HTTP_ANSWERS = 200;
const MAX_BODY_BYTES = 256 * 1024;
const VERSION = 'must be a whole number of 1 or more';
const STEP = 'must have one of reply, choose, wait_seconds and expire';
const WAIT = `must be a whole number between 1 and ${MAX_WAIT_SECONDS}`;
const STATUS = 'must be a whole number between 100 and 599';
const START = 'must be a time such as 2026-05-07T08:14:23Z, from 1970 to 9000';

const text = (max: number) =>
  z.string('must be a string').max(max, `must not be longer than ${max} characters`);

const contact = z.object(
  {
    phone: given(text(64)),
    name: given(text(255)),
    email: given(text(255)),
    tags: shortList(100)
      .pipe(z.array(text(64)))
      .optional(),
    metadata: jsonObject(CONTEXT_LIMITS).optional(),
  },
  'must be an object',
);

const startAt = z.iso
  .datetime({ offset: true, error: START })
  .transform((time) => new Date(time))
  .refine((time) => time.getTime() >= 0 && time.getUTCFullYear() <= 9_000, START);

/** One key says what happens. */
const step = z
  .object(
    {
      reply: text(4_096).optional(),
      choose: text(64).min(1, 'must not be empty').optional(),
      wait_seconds: z.int(WAIT).min(1, WAIT).max(MAX_WAIT_SECONDS, WAIT).optional(),
      expire: z.literal(true, 'must be true').optional(),
    },
    STEP,
  )
  .refine((keys) => Object.values<unknown>(keys).filter((value) => value !== undefined).length === 1, STEP)
  .transform(({ reply, choose, wait_seconds: seconds }): SimulationStep => {
    if (reply !== undefined) return { step: { $case: 'reply', value: reply } };
    if (choose !== undefined) return { step: { $case: 'choose', value: choose } };
    if (seconds !== undefined) return { step: { $case: 'waitSeconds', value: seconds } };
    return { step: { $case: 'expire', value: true } };
  });

/** What is no text is answered as JSON. */
const answerBody = z
  .unknown()
  .transform((body) => (typeof body === 'string' ? body : JSON.stringify(body)))
  .refine((body) => Buffer.byteLength(body) <= MAX_BODY_BYTES, 'must not be larger than 256 KiB');

const answer = z
  .object(
    {
      status: z.int(STATUS).min(100, STATUS).max(599, STATUS).optional(),
      body: answerBody.optional(),
      error: text(1_000).min(1, 'must not be empty').optional(),
    },
    'must be an object with status or error',
  )
  .refine(({ status, error }) => (status === undefined) !== (error === undefined), {
    error: 'must have status or error, and only one of them',
  });

/** By node: an answer, or several in order. */
const http = z
  .record(
    z.string().min(1).max(64),
    z.preprocess(
      (one): unknown => (Array.isArray(one) ? one : [one]),
      shortList(MAX_HTTP_ANSWERS).pipe(z.array(answer).min(1, 'must not be empty')),
    ),
    'must be an object',
  )
  .transform((nodes): SimulatedHttpAnswer[] =>
    Object.entries(nodes).flatMap(([nodeId, answers]) =>
      answers.map(({ status = 0, body = '', error = '' }) => ({ nodeId, status, body, error })),
    ),
  )
  .refine(
    (answers) => answers.length <= MAX_HTTP_ANSWERS,
    `must not hold more than ${MAX_HTTP_ANSWERS} answers`,
  );

/** Body of POST /flows/{id}/simulate. */
export const simulateFlowBody = z
  .object({
    version: given(z.int(VERSION).min(1, VERSION).max(999_999_999, VERSION)),
    definition: jsonObject(DEFINITION_LIMITS).optional(),
    settings: settings.optional(),
    context: jsonObject(CONTEXT_LIMITS).optional(),
    contact: contact.optional(),
    start_at: given(startAt),
    steps: shortList(MAX_STEPS).pipe(z.array(step)).default([]),
    http: http.default([]),
  })
  .refine(({ version, definition }) => version === undefined || definition === undefined, {
    path: ['version'],
    error: 'must not be there with a definition',
  })
  .refine(({ settings: given, definition }) => given === undefined || definition !== undefined, {
    path: ['settings'],
    error: 'must not be there without a definition',
  });

export type SimulateFlowBody = z.output<typeof simulateFlowBody>;
