import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { Answer, Cluster } from './cluster.ts';

interface Response {
  headers?: Record<string, object>;
  content?: Record<string, { schema: object }>;
}

export interface Operation {
  responses: Record<string, object>;
  parameters?: object[];
  requestBody?: { content: Record<string, { schema: object; example?: unknown; examples?: object }> };
  security?: object[];
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: object };
}

/** apps/gateway/openapi.yaml. */
export const document = parse(
  readFileSync(new URL('../../gateway/openapi.yaml', import.meta.url), 'utf8'),
) as Document;

/** Routes without a variable first: /flows/validate is not /flows/{id}. */
const templates = Object.keys(document.paths).sort((one, other) => variables(one) - variables(other));

const ajv = new Ajv2020({ allErrors: true, validateFormats: false });
const validators = new Map<string, ValidateFunction>();

/** The gateway as its clients see it: every answer is held against apps/gateway/openapi.yaml. */
export class DocumentedGateway {
  /** Those that were answered at least once, such as `GET /api/v1/flows/{id} 200`. */
  readonly seen = new Set<string>();
  private readonly cluster: Cluster;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  async request(method: string, path: string, body?: unknown, tenant?: string): Promise<Answer> {
    const answer = await this.cluster.request(method, path, body, tenant);
    this.seen.add(holdToDocument(method, templateOf(path), answer));
    return answer;
  }

  post(path: string, body?: unknown, tenant?: string): Promise<Answer> {
    return this.request('POST', path, body, tenant);
  }

  get(path: string, tenant?: string): Promise<Answer> {
    return this.request('GET', path, undefined, tenant);
  }
}

/** Fails unless the document has such an answer of the route. Gives its name, such as `GET /api/v1/flows/{id} 200`. */
export function holdToDocument(method: string, template: string, answer: Answer): string {
  const name = `${method} ${template} ${answer.status}`;
  const response = document.paths[template]?.[method.toLowerCase()]?.responses[answer.status];
  if (!response) throw new Error(`Not documented: ${name} ${answer.text}`);
  check(name, lookUp<Response>(response), answer);
  return name;
}

/** Every route of the document that has an id in its path, as `GET /flows/{id}`. */
export function routesWithId(): string[] {
  return templates
    .filter((template) => template.includes('{id}'))
    .flatMap((template) =>
      Object.keys(document.paths[template]!)
        .filter((key) => key !== 'parameters')
        .map((method) => `${method.toUpperCase()} ${template.replace('/api/v1', '')}`),
    );
}

function check(name: string, { headers = {}, content = {} }: Response, answer: Answer): void {
  for (const [header, described] of Object.entries(headers)) {
    const { required } = lookUp<{ required?: boolean }>(described);
    if (required && !answer.headers.has(header)) throw new Error(`${name}: no header ${header}`);
  }
  if (answer.status === 204) {
    if (answer.text !== '') throw new Error(`${name}: has a body`);
    return;
  }
  const type = answer.headers.get('content-type')!.split(';', 1)[0]!;
  const media = content[type];
  if (!media) throw new Error(`${name}: answers ${type}`);
  let valid = validators.get(name);
  if (!valid) validators.set(name, (valid = compile(media.schema)));
  if (!valid(answer.body)) throw new Error(`${name}: ${ajv.errorsText(valid.errors)} in ${answer.text}`);
}

function compile(schema: object): ValidateFunction {
  const text = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return ajv.compile(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as object);
}

/** What a $ref points to, or the value itself. */
export function lookUp<T>(value: object): T {
  if (!('$ref' in value)) return value as T;
  const steps = (value.$ref as string).split('/').slice(1);
  return steps.reduce<unknown>((found, step) => (found as Record<string, unknown>)[step], document) as T;
}

function templateOf(path: string): string {
  const parts = `/api/v1${path}`.split('?', 1)[0]!.split('/');
  const found = templates.find((template) => {
    const expected = template.split('/');
    return (
      expected.length === parts.length &&
      expected.every((part, index) => part.startsWith('{') || part === parts[index])
    );
  });
  if (found === undefined) throw new Error(`Not documented: ${path}`);
  return found;
}

function variables(template: string): number {
  return template.split('{').length - 1;
}
