import type { DataProblem } from './data-problems.ts';
import type { FlowNode } from './flow-node.ts';
import { parseTemplate } from './template.ts';
import type { TemplateFilterName, TemplatePart, TemplateRoot, TemplateValue } from './template.ts';

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
  if (body !== undefined && isMeantAsJson(body) && holdsRaw(body, 'json')) {
    problems.push({
      path: 'body',
      message: 'a value stands in JSON without | json, which writes the quotes, too',
    });
  }
  return problems;
}

/** Bodies that begin as JSON does and come to no JSON, whatever their values are. */
export function brokenBodies(node: FlowNode): DataProblem[] {
  if (node.type !== 'http_request') return [];
  const { body = '' } = node.data;
  const parsed = parseTemplate(body);
  if ('problem' in parsed || !isMeantAsJson(body) || isJson(parsed.parts)) return [];
  const hint = /"\{\{[^{}]*\|\s*json\s*\}\}"/.test(body)
    ? ': json writes the quotes of a text, so there are none around it'
    : '';
  return [{ path: 'body', message: `is no JSON when its values stand in it${hint}` }];
}

/** A template is two braces. */
function isMeantAsJson(body: string): boolean {
  return /^\s*(?:\[|\{(?!\{))/.test(body);
}

/** With a text for each value that json writes, and a digit, which may stand in a text and by itself, for every other. */
function isJson(parts: readonly TemplatePart[]): boolean {
  const text = parts
    .map((part) => (typeof part === 'string' ? part : isEscaped(part, 'json') ? '""' : '0'))
    .join('');
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function holdsRaw(text: string, escape: TemplateFilterName): boolean {
  const parsed = parseTemplate(text);
  if ('problem' in parsed) return false;
  return parsed.parts.some(
    (part) =>
      typeof part !== 'string' &&
      WRITTEN.includes(part.root) &&
      !isEscaped(part, escape) &&
      !part.filters.some(({ name }) => HARMLESS.includes(name)),
  );
}

/** What follows an escape could undo it; but for a default, which is the flow's own. */
function isEscaped({ filters }: TemplateValue, escape: TemplateFilterName): boolean {
  return filters.findLast(({ name }) => name !== 'default')?.name === escape;
}
