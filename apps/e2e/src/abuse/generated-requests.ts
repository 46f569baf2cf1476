import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Cluster } from '../cluster.ts';
import { holdToDocument } from '../rest-surface.document.ts';
import { runs, SEED } from './effort.ts';
import { jsonTextOf } from './json-text.ts';
import { nameOf, ROUTES, type Route } from './operations.ts';
import { sendHttp, type RawRequest } from './raw-http.ts';

/** A fault of the server, which no request may bring about. */
const SERVER_FAULTS = [500, 501, 502, 503, 504];

/** Requests to every route of openapi.yaml, made from what the document says of it (35). */
export function generatedRequests(cluster: () => Cluster, ids: () => string[]): void {
  it.each(ROUTES.map((route) => ({ name: nameOf(route), route })))(
    'generated for $name are answered as the document says, and never with a fault of ours (35)',
    async ({ route }) => {
      const request = requestTo(route, ids(), cluster().tokenOf());
      await fc.assert(
        fc.asyncProperty(request, async (raw) => {
          const answer = await sendHttp(cluster().addressOf('gateway'), raw);
          expect(SERVER_FAULTS).not.toContain(answer.status);
          // What only a path that is no longer the route's answers.
          if (answer.status === 405) expect(answer.body).toEqual({ error: 'Method not allowed' });
          else holdToDocument(route.method, route.template, answer);
        }),
        { numRuns: runs(15, 400), seed: SEED },
      );
    },
  );
}

const ODD_PARTS = [
  'x',
  '0',
  '-1',
  'null',
  '..',
  '.',
  '%00',
  '%F0%9F%A6%9C',
  "'",
  '%2e%2e%2f',
  'a'.repeat(2_000),
  '%5B%5D',
];

function requestTo(route: Route, ids: string[], token: string): fc.Arbitrary<RawRequest> {
  const part = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ids) },
    { weight: 1, arbitrary: fc.uuid() },
    { weight: 2, arbitrary: fc.constantFrom(...ODD_PARTS) },
    { weight: 1, arbitrary: fc.string({ minLength: 1, unit: 'grapheme' }).map(encodeURIComponent) },
  );
  const version = fc.constantFrom('1', '0', '2147483648', '99999999999999999999', '1.0', '1e3', 'x', '%31');
  const path = fc
    .tuple(
      ...route.template.split(/(\{\w+\})/).map((piece) => {
        if (piece === '{version}') return version;
        return piece.startsWith('{') ? part : fc.constant(piece);
      }),
    )
    .map((pieces) => pieces.join(''));

  const value = fc.oneof(
    fc.constantFrom(
      ...ids,
      'running',
      'draft',
      'published',
      '1',
      '100',
      '101',
      '-1',
      '',
      '%00',
      'x'.repeat(300),
    ),
    fc.string({ unit: 'grapheme' }).map(encodeURIComponent),
  );
  const known = route.parameters.filter(({ in: where }) => where === 'query').map(({ name }) => name);
  const key = fc.constantFrom(
    'x',
    '__proto__',
    'constructor',
    ...known,
    ...known.map((name) => `${name}[]`),
    ...known.map((name) => `${name}[a]`),
  );
  const query = fc
    .array(fc.tuple(key, value), { maxLength: 4 })
    .map((pairs) =>
      pairs.length === 0 ? '' : `?${pairs.map(([name, text]) => `${name}=${text}`).join('&')}`,
    );

  const hasBody = route.method !== 'GET';
  const body = hasBody ? jsonTextOf(route.body ?? { type: 'object' }, ids) : fc.constant(undefined);
  const headers = {
    ...(!route.isPublic && { Authorization: `Bearer ${token}` }),
    ...(hasBody && { 'Content-Type': 'application/json' }),
  };
  return fc.tuple(path, query, body).map(([where, search, text]) => ({
    method: route.method,
    path: where + search,
    headers: headers as Record<string, string>,
    ...(text !== undefined && { body: text }),
  }));
}
