import { plain } from './answer.ts';
import { hasDotSegments } from './dot-segments.ts';
import type { FlowNode } from './flow-node.ts';
import { withoutTemplates } from './template-text.ts';

/** Something a node's data should not have, or a channel could not show of it. */
export interface DataProblem {
  /** Within the node's data: choices[1].title */
  path: string;
  /** In English. */
  message: string;
}

/** No client sends them, or not as they are meant. */
const UNSENDABLE_HEADERS = ['expect', 'keep-alive', 'upgrade'];

/**
 * What publishing refuses though it could run: versions that were published before it did run on. What makes data invalid
 * altogether is in its schema (flow-node.ts).
 */
export function dataProblems(node: FlowNode): DataProblem[] {
  if (node.type === 'ask') return problemsOfChoices(node.data.choices ?? []);
  if (node.type === 'http_request') return problemsOfRequest(node.data);
  if (node.type === 'set') {
    const { tags_add: added = [], tags_remove: removed = [] } = node.data;
    return [...problemsOfTags('tags_add', added), ...problemsOfTags('tags_remove', removed)];
  }
  return [];
}

function problemsOfChoices(choices: readonly { title: string }[]): DataProblem[] {
  const titles = choices.map(({ title }) => plain(title));
  return titles.flatMap((title, index) => {
    const path = `choices[${index}].title`;
    if (title === '') return [{ path, message: 'must not be blank' }];
    if (titles.indexOf(title) === index) return [];
    return [
      {
        path,
        message: 'must not be the title of another choice: an answer in words could not mean this one',
      },
    ];
  });
}

/** As calls of the API trim tags, nobody could name one of these. */
function problemsOfTags(field: string, tags: readonly string[]): DataProblem[] {
  return tags.flatMap((tag, index) =>
    tag === tag.trim() ? [] : [{ path: `${field}[${index}]`, message: 'must not begin or end with a space' }],
  );
}

function problemsOfRequest({
  url,
  headers,
}: Extract<FlowNode, { type: 'http_request' }>['data']): DataProblem[] {
  const names = [...(headers?.keys() ?? [])];
  const lower = names.map((name) => name.toLowerCase());
  const problems = lower.flatMap((name, index) => {
    const path = `headers.${names[index]}`;
    if (UNSENDABLE_HEADERS.includes(name)) return [{ path, message: 'cannot be sent' }];
    if (lower.indexOf(name) === index) return [];
    return [{ path, message: 'is there already: the case of a header does not matter' }];
  });
  // What a template comes to is seen when it is sent.
  if (hasDotSegments(withoutTemplates(url, 'x'))) {
    problems.push({ path: 'url', message: 'must not hold . or .. as a part of its path' });
  }
  return problems;
}
