import type { z } from 'zod';
import { TEMPLATE_ISSUE } from './data-fields.ts';
import { quote } from './flow-problem.ts';
import type { ProblemList } from './flow-problem.ts';

/** Reports what zod found in a node; `nodeField` is the node's path. */
export function reportIssue(
  issue: z.core.$ZodIssue,
  nodeField: string,
  nodeId: string,
  errors: ProblemList,
): void {
  const isTemplate = issue.code === 'custom' && issue.params === TEMPLATE_ISSUE;
  // The key of a dictionary is checked by a schema of its own; what that found is inside.
  const message = (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
  errors.add(
    isTemplate ? 'TEMPLATE_INVALID' : 'NODE_DATA_INVALID',
    nodeField + issue.path.map(step).join(''),
    message,
    nodeId,
  );
}

function step(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = String(key);
  return /^[A-Za-z_]\w{0,63}$/.test(name) ? `.${name}` : `[${quote(name)}]`;
}
