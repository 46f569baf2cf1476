import type { DataProblem } from './data-problems.ts';
import type { FlowNode } from './flow-node.ts';
import { quote } from './flow-problem.ts';
import { parseTemplate, TEMPLATE_ROOTS } from './template.ts';

/** Comparisons whose left side is the same for every session, as it has no template: mostly one whose braces were forgotten. */
export function constantComparisons(node: FlowNode): DataProblem[] {
  if (node.type !== 'condition') return [];
  return node.data.cases.flatMap(({ all, any }, index) =>
    (all ?? any ?? []).flatMap(({ left }, place) => {
      const parsed = parseTemplate(left);
      if ('problem' in parsed || parsed.parts.some((part) => typeof part !== 'string')) return [];
      const meant = TEMPLATE_ROOTS.some((root) => left.trim().startsWith(`${root}.`))
        ? `; did you mean {{${left.trim()}}}?`
        : '';
      const path = `cases[${index}].${all ? 'all' : 'any'}[${place}].left`;
      return [{ path, message: `has no template, so the text ${quote(left)} itself is compared${meant}` }];
    }),
  );
}
