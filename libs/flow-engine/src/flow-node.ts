import { z } from 'zod';
import { conditionData } from './condition-data.ts';
import {
  contextName,
  contextPath,
  dictionary,
  exactlyOneOf,
  handleId,
  listWithIds,
  pattern,
  plainText,
  templateText,
} from './data-fields.ts';
import { httpRequestData } from './http-request-data.ts';

/** As long as the longest session. */
const MAX_MINUTES = 1440;

const media = z.object({
  type: z.enum(['image', 'video', 'audio', 'document']),
  url: templateText(2048).regex(/^(?:https?:\/\/|\{\{)/i, {
    error: 'must start with http://, https:// or a template',
  }),
  caption: templateText(1024).optional(),
});

const messageTemplate = z.object({
  name: plainText(128),
  language: z.string().regex(/^[A-Za-z]{2,3}(?:[_-][A-Za-z0-9]{2,8}){0,3}$/, {
    error: 'must be a language such as en or pt_BR',
  }),
  variables: dictionary(z.string().min(1).max(64), templateText(1024), 32).optional(),
});

const sendMessageData = z
  .object({
    text: templateText(4096).optional(),
    template: messageTemplate.optional(),
    media: media.optional(),
  })
  .refine(...exactlyOneOf('text', 'template'));

const choice = z.object({ id: handleId(['answered', 'invalid', 'timeout']), title: plainText(24) });

const askData = z
  .object({
    text: templateText(4096),
    choices: listWithIds(choice, 10).optional(),
    input: z
      .object({ kind: z.enum(['text', 'number', 'email', 'phone', 'date']), pattern: pattern.optional() })
      .optional(),
    save_as: contextName.optional(),
    timeout_minutes: z.int().min(1).max(MAX_MINUTES).optional(),
    /** Answers that may be invalid before the handle `invalid` is taken. */
    max_attempts: z.int().min(1).max(10).default(3),
    /** Sent after an invalid answer; the question again where it is absent. */
    invalid_text: templateText(4096).optional(),
  })
  .refine(...exactlyOneOf('choices', 'input'));

const assigned = z.union([templateText(4096, 0), z.number(), z.boolean(), z.null()], {
  error: 'must be a text of at most 4096 characters, a number, a boolean or null',
});
const tags = z.array(plainText(64)).min(1).max(50).optional();

const setData = z
  .object({
    assign: dictionary(contextPath, assigned, 50).optional(),
    tags_add: tags,
    tags_remove: tags,
  })
  .refine(
    (data) => data.assign !== undefined || data.tags_add !== undefined || data.tags_remove !== undefined,
    {
      error: 'must have assign, tags_add or tags_remove',
    },
  );

const delayData = z
  .object({
    minutes: z.int().min(1).max(MAX_MINUTES).optional(),
    seconds: z
      .int()
      .min(1)
      .max(MAX_MINUTES * 60)
      .optional(),
  })
  .refine(...exactlyOneOf('minutes', 'seconds'));

/** A node's type and data. Keys it does not know are dropped. */
export const flowNode = z.discriminatedUnion('type', [
  z.object({ type: z.literal('entry'), data: z.object({}) }),
  z.object({ type: z.literal('send_message'), data: sendMessageData }),
  z.object({ type: z.literal('ask'), data: askData }),
  z.object({ type: z.literal('condition'), data: conditionData }),
  z.object({ type: z.literal('set'), data: setData }),
  z.object({ type: z.literal('delay'), data: delayData }),
  z.object({ type: z.literal('http_request'), data: httpRequestData }),
  z.object({
    type: z.literal('handoff'),
    data: z.object({ queue: plainText(64), note: templateText(4096).optional() }),
  }),
  z.object({ type: z.literal('end'), data: z.object({ outcome: plainText(64).optional() }) }),
]);

/** A node whose data is valid. */
export type FlowNode = z.infer<typeof flowNode>;
export type NodeType = FlowNode['type'];

/** Every type of node. */
export const NODE_TYPES: readonly NodeType[] = flowNode.options.map(({ shape }) => shape.type.value);

/** The schema of each type's data. */
export const DATA_OF = Object.fromEntries(
  flowNode.options.map(({ shape }) => [shape.type.value, shape.data]),
) as Record<NodeType, z.ZodObject>;

/** The nodes at which a session rests, for a reply, the clock or an answer. */
export const WAITING_TYPES: readonly NodeType[] = ['ask', 'delay', 'http_request'];

/** The handles a node's edges may leave from, in the order the node offers them. */
export function handlesOf(node: FlowNode): string[] {
  switch (node.type) {
    case 'ask': {
      const answers = node.data.choices?.map(({ id }) => id) ?? ['answered'];
      return [...answers, 'invalid', ...(node.data.timeout_minutes === undefined ? [] : ['timeout'])];
    }
    case 'condition':
      return [...node.data.cases.map(({ id }) => id), 'else'];
    case 'http_request':
      return ['success', 'failure'];
    case 'end':
      return [];
    default:
      return ['default'];
  }
}
