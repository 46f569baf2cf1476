import type { Metrics } from '@parley/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Reason } from './error.answers.ts';

/** The methods of our routes; of the others Node knows thirty, and any can be sent. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
/** Of a path that no route takes: paths are the caller's, and there is no end of them. */
const NO_ROUTE = 'none';

/** Observes each request once, at its end. Labels: the route's pattern, its method, and 2xx to 5xx. */
export function requestDurations(metrics: Metrics): (request: FastifyRequest, reply: FastifyReply) => void {
  const durations = metrics.durations(
    'parley_http_request_duration_seconds',
    'How long requests took from their first byte to the end of the answer, by route, method and class of status',
    ['route', 'method', 'status'],
  );
  const children = new Map<string, ReturnType<typeof durations.labels>>();
  return (request, reply) => {
    const route = patternOf(request);
    const method = METHODS.includes(request.method) ? request.method : 'OTHER';
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    const key = `${method} ${route} ${status}`;
    let child = children.get(key);
    if (!child) children.set(key, (child = durations.labels(route, method, status)));
    child.observe(reply.elapsedTime / 1_000);
  };
}

/** Counts errors by what their answer says, also those that no service was asked about. */
export function errorCounter(metrics: Metrics): (request: FastifyRequest, reason: Reason) => void {
  const errors = metrics.counter(
    'parley_http_errors_total',
    'Requests answered with an error, by route and reason; docs/errors.md lists the reasons',
    ['route', 'reason'],
  );
  return (request, reason) => errors.inc({ route: patternOf(request), reason });
}

function patternOf(request: FastifyRequest): string {
  return request.route.url ?? NO_ROUTE;
}
