import { z } from 'zod';
import { exactlyOneOf, handleId, listWithIds, pattern, templateText } from './data-fields.ts';

const text = templateText(1024, 0);
const scalar = z.union([text, z.number(), z.boolean()], {
  error: 'must be a text of at most 1024 characters, a number or a boolean',
});
const ordered = z.union([text, z.number()], {
  error: 'must be a text of at most 1024 characters or a number',
});

const OPERATORS =
  'eq, neq, gt, gte, lt, lte, contains, not_contains, starts_with, ends_with, in, exists, empty or matches';

/** One comparison. What `right` may be depends on the operator; `exists` and `empty` have none. */
const comparison = z.discriminatedUnion(
  'op',
  [
    z.object({
      left: templateText(1024),
      op: z.enum(['eq', 'neq', 'contains', 'not_contains']),
      right: scalar,
    }),
    z.object({ left: templateText(1024), op: z.enum(['gt', 'gte', 'lt', 'lte']), right: ordered }),
    z.object({ left: templateText(1024), op: z.enum(['starts_with', 'ends_with']), right: text }),
    z.object({ left: templateText(1024), op: z.literal('in'), right: z.array(scalar).min(1).max(100) }),
    z.object({ left: templateText(1024), op: z.enum(['exists', 'empty']) }),
    z.object({ left: templateText(1024), op: z.literal('matches'), right: pattern }),
  ],
  `must be ${OPERATORS}`,
);
const comparisons = z.array(comparison).min(1).max(20).optional();

const conditionCase = z
  .object({ id: handleId(['else']), all: comparisons, any: comparisons })
  .refine(...exactlyOneOf('all', 'any'));

/** Data of a condition: the first case that holds names the handle, `else` when none does. */
export const conditionData = z.object({ cases: listWithIds(conditionCase, 20) });
