import fc from 'fast-check';
import type { Cluster } from '../cluster.ts';
import { holdToDocument } from '../rest-surface.document.ts';
import { jsonTextOf } from './json-text.ts';
import type { Route } from './operations.ts';
import { sendHttp, type RawRequest } from './raw-http.ts';

/**
 * Sends requests generated from what openapi.yaml says of a route. Gives how often it answered with each status;
 * fails with the request, in its smallest form, and the seed, where an answer is none that the document describes, or
 * is a fault of the server.
 */
export async function requestGenerated(
  route: Route,
  cluster: Cluster,
  ids: string[],
  options: { numRuns: number; seed: number },
): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  const address = cluster.addressOf('gateway');
  const property = fc.asyncProperty(requestTo(route, ids, cluster.tokenOf()), async (request) => {
    const answer = await sendHttp(address, request);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    holdToGateway(route, answer);
  });
  await fc.assert(property, options);
  return statuses;
}

/** Fails unless the answer is one of the document's, and no fault of the server. */
export function holdToGateway(route: Route, answer: Awaited<ReturnType<typeof sendHttp>>): void {
  if (answer.status >= 500) throw new Error(`${answer.status} ${answer.text}`);
  holdToDocument(route.method, route.template, answer);
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
];
const ODD_VERSIONS = ['0', '2147483648', '99999999999999999999', '1.0', '1e3', 'x', '%31', '-1'];
const VALUES = ['running', 'draft', 'published', '1', '100', '101', '-1', '', '%00', 'x'.repeat(300)];

const anyText = fc.string({ minLength: 1, unit: 'grapheme' }).map(encodeURIComponent);

function requestTo(route: Route, ids: string[], token: string): fc.Arbitrary<RawRequest> {
  const hasBody = route.method !== 'GET';
  const headers: Record<string, string> = {
    ...(!route.isPublic && { Authorization: `Bearer ${token}` }),
    ...(hasBody && { 'Content-Type': 'application/json' }),
  };
  const body = hasBody ? jsonTextOf(route.body ?? { type: 'object' }, ids) : fc.constant(undefined);
  return fc.tuple(pathOf(route, ids), queryOf(route, ids), body).map(([path, query, text]) => ({
    method: route.method,
    path: path + query,
    headers,
    ...(text !== undefined && { body: text }),
  }));
}

function pathOf({ template }: Route, ids: string[]): fc.Arbitrary<string> {
  const id = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ids) },
    { weight: 1, arbitrary: fc.uuid() },
    { weight: 2, arbitrary: fc.constantFrom(...ODD_PARTS) },
    { weight: 1, arbitrary: anyText },
  );
  const version = fc.constantFrom('1', '1', ...ODD_VERSIONS);
  const kind = fc.constantFrom('webhook', 'whatsapp', ...ODD_PARTS);
  const pieces = template.split(/(\{\w+\})/).map((piece) => {
    if (piece === '{version}') return version;
    if (piece === '{kind}') return kind;
    return piece.startsWith('{') ? id : fc.constant(piece);
  });
  return fc.tuple(...pieces).map((parts) => parts.join(''));
}

function queryOf({ parameters }: Route, ids: string[]): fc.Arbitrary<string> {
  const known = parameters.filter(({ in: where }) => where === 'query').map(({ name }) => name);
  const lists = known.flatMap((name) => [`${name}[]`, `${name}[a]`]);
  const name = fc.constantFrom('x', '__proto__', 'constructor', ...known, ...known, ...lists);
  const value = fc.oneof(fc.constantFrom(...ids, ...VALUES), anyText);
  return fc.array(fc.tuple(name, value), { maxLength: 4 }).map((pairs) => {
    const search = pairs.map(([key, text]) => `${key}=${text}`).join('&');
    return search === '' ? '' : `?${search}`;
  });
}
