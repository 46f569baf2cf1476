import { randomUUID } from 'node:crypto';
import { Metrics, runInRequest, type Logger, type RequestContext } from '@parley/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from './auth/authenticator.ts';
import { requestDurations } from './request-metrics.ts';

/** From a request's last byte to its answer, at most (P10). */
const DEADLINE_MS = 2_000;
/** What a caller's own id may look like. */
const SANE_ID = /^[\w.:-]{1,128}$/;

/**
 * What happens to every request before its body is read: its id, its deadline, its caller; and at its end its line in
 * the log and its time in the metrics.
 */
export function addRequestHooks(
  server: FastifyInstance,
  authenticator: Authenticator,
  logger: Logger,
  metrics = new Metrics(),
): void {
  const observe = requestDurations(metrics);
  const contexts = new WeakMap<FastifyRequest, RequestContext>();

  server.addHook('onRequest', (request, reply, done) => {
    const requestId = requestIdOf(request);
    const context: RequestContext = { requestId, deadline: Date.now() + DEADLINE_MS };
    contexts.set(request, context);
    reply.header('X-Request-Id', requestId);
    runInRequest(context, () => {
      // A route that does not exist is nobody's, unless somebody says who they are.
      if (request.is404 && request.headers.authorization === undefined) return done();
      authenticator.admit(request, reply).then(() => {
        if (request.caller) context.tenantId = request.caller.tenantId;
        done();
      }, done);
    });
  });

  // The route's pattern, not its URL: a query may hold a phone.
  server.addHook('onResponse', (request, reply, done) => {
    observe(request, reply);
    const fields = {
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    runInRequest(contexts.get(request)!, () => logger.log('Request', fields));
    done();
  });

  // Reading the body leaves the context; this takes it up again. A slow body is not the services' time.
  server.addHook('preHandler', (request, _reply, done) => {
    const context = contexts.get(request)!;
    context.deadline = Date.now() + DEADLINE_MS;
    runInRequest(context, done);
  });
}

/** Answers a path that cannot be decoded, which Fastify keeps from hooks and filters. */
export function refuseUrl(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .header('X-Request-Id', requestIdOf(request))
    .status(400)
    .send({ error: 'The request is malformed' });
}

function requestIdOf(request: FastifyRequest): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
}
