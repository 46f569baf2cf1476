import { isObject } from './data-fields.ts';
import type { DataProblem } from './data-problems.ts';
import { DATA_OF, type FlowNode } from './flow-node.ts';
import { parseTemplate, type TemplateRoot } from './template.ts';

/** What there is of the roots whose values are not the flow's own. docs/flows.md lists them. */
const NAMES: Partial<Record<TemplateRoot, readonly string[]>> = {
  contact: ['id', 'phone', 'name', 'email', 'tags', 'metadata'],
  flow: ['id', 'name', 'version'],
  session: ['id', 'started_at', 'expires_at'],
  reply: ['text', 'choice', 'value'],
};
/** As deep as the data of a node holds texts, and more. */
const MAX_DEPTH = 6;

/** Templates that read what is never there, such as contact.first_name. */
export function unknownValues(node: FlowNode, data: Record<string, unknown>): DataProblem[] {
  return Object.keys(DATA_OF[node.type].shape).flatMap((field) => [
    ...unknownIn(data[field], field, MAX_DEPTH),
  ]);
}

function* unknownIn(value: unknown, path: string, depth: number): Generator<DataProblem> {
  if (typeof value === 'string') {
    const parsed = parseTemplate(value);
    for (const part of 'parts' in parsed ? parsed.parts : []) {
      if (typeof part === 'string') continue;
      const {
        root,
        path: [name = ''],
      } = part;
      const names = NAMES[root];
      if (!names || names.includes(name)) continue;
      yield {
        path,
        message: `${root}.${name.slice(0, 64)} is always empty: ${root} has ${names.join(', ')}`,
      };
    }
  } else if (depth > 0 && Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* unknownIn(item, `${path}[${index}]`, depth - 1);
  } else if (depth > 0 && isObject(value)) {
    for (const [key, item] of Object.entries(value))
      yield* unknownIn(item, `${path}.${key.slice(0, 64)}`, depth - 1);
  }
}
