import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

export interface MediaType {
  schema: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

export interface Response {
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, MediaType>;
}

export interface Operation {
  operationId: string;
  security?: object[];
  parameters?: object[];
  requestBody?: { content: Record<string, MediaType> };
  responses: Record<string, Response | { $ref: string }>;
  'x-scope'?: string;
}

type PathItem = Record<string, Operation> & { parameters?: object[] };

interface Document {
  openapi: string;
  security: object[];
  paths: Record<string, PathItem>;
}

export interface DocumentedRoute {
  method: string;
  /** As in the document: /api/v1/flows/{id} */
  path: string;
  operation: Operation;
  /** Those of the path and of the operation, looked up. */
  parameters: { name: string; in: string }[];
}

const file = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8');

/** apps/gateway/openapi.yaml. */
export const openapi = parse(file) as Document;

export const documentedRoutes: DocumentedRoute[] = Object.entries(openapi.paths).flatMap(
  ([path, { parameters = [], ...operations }]) =>
    Object.entries(operations as Record<string, Operation>).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
      parameters: [...parameters, ...(operation.parameters ?? [])].map((parameter) =>
        lookUp<{ name: string; in: string }>(parameter),
      ),
    })),
);

/** Every $ref in the document. */
export function references(value: unknown = openapi): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = '$ref' in value && typeof value.$ref === 'string' ? [value.$ref] : [];
  return [...own, ...Object.values(value).flatMap(references)];
}

/** What a $ref points to, or the value itself; undefined where a $ref points nowhere. */
export function lookUp<T>(value: object): T {
  if (!('$ref' in value)) return value as T;
  const steps = (value.$ref as string).split('/').slice(1);
  return steps.reduce<unknown>(
    (found, step) => (found as Record<string, unknown> | undefined)?.[step],
    openapi,
  ) as T;
}

const ajv = new Ajv2020({ strict: true, allErrors: true, validateFormats: false, strictRequired: false });

/** A schema of the document, with all it refers to. */
export function compile(schema: object): ValidateFunction {
  const { components } = openapi as unknown as { components: object };
  return ajv.compile({ ...inline(schema), $defs: inline((components as { schemas: object }).schemas) });
}

function inline(value: object): object {
  return JSON.parse(JSON.stringify(value).replaceAll('#/components/schemas/', '#/$defs/')) as object;
}
