import type { DataProblem } from './data-problems.ts';
import type { FlowNode } from './flow-node.ts';
import { parseTemplate, type TemplateFilterName, type TemplateRoot } from './template.ts';

/** Where what people write may come from. */
const WRITTEN: TemplateRoot[] = ['context', 'contact', 'reply'];
/** What these give is digits and signs. */
const HARMLESS: TemplateFilterName[] = ['number', 'date'];

/**
 * Texts of a request in which what somebody writes could come to more than the value it should be: further fields of the JSON it
 * stands in, another path or more of a query.
 */
export function unescapedValues(node: FlowNode): DataProblem[] {
  if (node.type !== 'http_request') return [];
  const { url, body } = node.data;
  const problems: DataProblem[] = [];
  if (holdsRaw(url, 'urlencode')) {
    problems.push({ path: 'url', message: 'a value stands in it without | urlencode' });
  }
  if (body !== undefined && /^\s*[{[]/.test(body) && holdsRaw(body, 'json')) {
    problems.push({
      path: 'body',
      message: 'a value stands in JSON without | json, which writes the quotes, too',
    });
  }
  return problems;
}

function holdsRaw(text: string, escape: TemplateFilterName): boolean {
  const parsed = parseTemplate(text);
  if ('problem' in parsed) return false;
  return parsed.parts.some(
    (part) =>
      typeof part !== 'string' &&
      WRITTEN.includes(part.root) &&
      !part.filters.some(({ name }) => name === escape || HARMLESS.includes(name)),
  );
}
