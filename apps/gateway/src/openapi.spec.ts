import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  compile,
  documentedRoutes,
  lookUp,
  openapi,
  references,
  type MediaType,
  type Response,
} from './testing/openapi.ts';
import { GatewayApp } from './testing/gateway-app.ts';

let app: GatewayApp;

beforeAll(async () => {
  app = await GatewayApp.start();
});
afterAll(() => app.close());

const toPath = (url: string): string => url.replace(/:(\w+)/g, '{$1}');

describe('openapi.yaml', () => {
  it('describes exactly the routes there are', () => {
    const served = app.gateway.routes.routes.map(({ method, url }) => `${method} ${toPath(url)}`);
    const documented = documentedRoutes.map(({ method, path }) => `${method} ${path}`);
    expect(documented.sort()).toEqual(served.sort());
  });

  it('says of each route what it asks of a token', () => {
    expect(openapi.security).toEqual([{ bearer: [] }]);
    const served = app.gateway.routes.routes.map(({ method, url, access }) => [
      `${method} ${toPath(url)}`,
      access,
    ]);
    const documented = documentedRoutes.map(({ method, path, operation }) => [
      `${method} ${path}`,
      operation.security?.length === 0 ? 'public' : operation['x-scope'],
    ]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(served));
  });

  it('is served as it is', async () => {
    const { status, headers, text } = await app.request('GET', '/api/v1/openapi.yaml');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/yaml/);
    expect(text).toMatch(/^openapi: 3\.1\.0\n/);
  });

  it('refers to nothing that is not there', () => {
    const dangling = references().filter(($ref) => lookUp({ $ref }) === undefined);
    expect(dangling).toEqual([]);
  });

  it('names each operation once', () => {
    const ids = documentedRoutes.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(documentedRoutes)('$method $path declares the parameters of its path', ({ path, parameters }) => {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter((one) => one.in === 'path').map((one) => one.name)).toEqual(inPath);
  });

  it.each(documentedRoutes.filter(({ operation }) => operation.security === undefined))(
    '$method $path documents what any route with a token may answer',
    ({ operation }) => {
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '429', '500', '503']));
    },
  );

  const media = documentedRoutes.flatMap(({ method, path, operation }) =>
    [
      ...Object.entries(operation.requestBody?.content ?? {}).map(([type, one]) => ({
        of: 'body',
        type,
        ...one,
      })),
      ...Object.entries(operation.responses).flatMap(([status, response]) =>
        Object.entries(lookUp<Response>(response).content ?? {}).map(([type, one]) => ({
          of: status,
          type,
          ...one,
        })),
      ),
    ].map((one) => ({ name: `${method} ${path} ${one.of}`, one })),
  );

  it.each(media)('$name: its schema can be used, and its examples follow it', ({ one }) => {
    const valid = compile(one.schema);
    for (const example of examplesOf(one)) {
      valid(example);
      expect(valid.errors ?? []).toEqual([]);
    }
  });

  it('shows examples of every answer of the trigger', () => {
    const { operation } = documentedRoutes.find(({ path }) => path.endsWith('/trigger-flow'))!;
    for (const status of ['200', '201', '404', '422']) {
      const { content } = lookUp<Response>(operation.responses[status]!);
      expect(examplesOf(content!['application/json']!).length).toBeGreaterThan(0);
    }
  });
});

function examplesOf({ example, examples = {} }: MediaType): unknown[] {
  const several = Object.values(examples).map(({ value }) => value);
  return example === undefined ? several : [example, ...several];
}
