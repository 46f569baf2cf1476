import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { NotFoundException } from '@nestjs/common';
import { DomainError } from '@parley/errors';
import { Metrics, runInRequest, type Logger, type RequestContext } from '@parley/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { routeOf, type RequestRoute } from './auth/access.ts';
import type { Authenticator } from './auth/authenticator.ts';
import { answerClientError } from './client-error.ts';
import { answerTo } from './error.answer.ts';
import { requestDurations } from './request-metrics.ts';
import { dropRest } from './unread-body.ts';

/** From a request's last byte to its answer, at most (P10). */
const DEADLINE_MS = 2_000;
/** From a request's head to its body's last byte. */
const BODY_TIMEOUT_MS = 10_000;
/** Of a body that is read as it comes, and may go on for long: between two of its parts. */
const IDLE_TIMEOUT_MS = 30_000;
declare module 'fastify' {
  interface FastifyRequest {
    context: RequestContext;
    bodyTimer: NodeJS.Timeout | undefined;
  }
}

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
  // Declared, so that all requests have one shape. Each gets its own in the first hook.
  server.decorateRequest('context', null as unknown as RequestContext);
  server.decorateRequest('route', null as unknown as RequestRoute);
  server.decorateRequest('caller', undefined);
  server.decorateRequest('bodyTimer', undefined);

  server.addHook('onRequest', (request, reply, done) => {
    const context = begin(request, reply);
    request.route = routeOf(request);
    request.bodyTimer = limitBody(request, reply);
    // Fastify's onRequestAbort tells of no caller who goes after the body's last byte.
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) context.cancelled = true;
    });
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') return done(withoutHost());
    runInRequest(context, () => {
      // Before its body is read: who says nothing of themselves has no limit of rate.
      if (isNobodys(request)) return done(new NotFoundException());
      authenticator.admit(request, reply).then(() => {
        if (request.caller) context.tenantId = request.caller.tenantId;
        done();
      }, done);
    });
  });

  // The route's pattern, not its URL: a query may hold a phone.
  server.addHook('onResponse', (request, reply, done) => {
    clearTimeout(request.bodyTimer);
    if (request.body instanceof Readable && !request.raw.complete) void endAfterAnswer(request.raw);
    observe(request, reply);
    const fields = {
      method: request.method,
      route: request.route.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    runInRequest(request.context, () => logger.often('Request', fields));
    done();
  });

  // Reading the body leaves the context; this takes it up again. A slow body is not the services' time.
  server.addHook('preHandler', (request, _reply, done) => {
    const { context } = request;
    context.deadline = Date.now() + DEADLINE_MS;
    clearTimeout(request.bodyTimer);
    if (request.route.bulk) request.raw.socket.setTimeout(IDLE_TIMEOUT_MS);
    runInRequest(context, done);
  });
}

/** Ends a request whose body does not come. Node's own limit would end long streams of JSON lines as well. */
function limitBody(request: FastifyRequest, reply: FastifyReply): NodeJS.Timeout {
  return setTimeout(() => {
    const error = new Error('The body did not come in time');
    const known = reply.getHeaders() as OutgoingHttpHeaders;
    answerClientError(Object.assign(error, { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), request.raw.socket, known);
  }, BODY_TIMEOUT_MS);
}

/** Answers a path that cannot be decoded, which Fastify keeps from hooks and filters. */
export function refuseUrls(
  authenticator: Authenticator,
  logger: Logger,
): (error: Error, request: FastifyRequest, reply: FastifyReply) => void {
  return (_error, request, reply) => {
    const context = begin(request, reply);
    request.route = { url: undefined, access: undefined, bulk: false };
    const refuse = (error: Error): void => {
      if (!(error instanceof DomainError)) logger.error('Unexpected error', { error });
      const { status, body, retryAfter } = answerTo(error as DomainError);
      if (retryAfter !== undefined) reply.header('Retry-After', retryAfter);
      void reply.status(status).send(body);
    };
    const malformed = new DomainError('invalid_argument', 'MALFORMED_REQUEST', 'The path cannot be decoded');
    if (isNobodys(request)) return refuse(malformed);
    void runInRequest(context, () => authenticator.admit(request, reply)).then(
      () => refuse(malformed),
      refuse,
    );
  };
}

/** HTTP/1.1 has each request name its host. */
function withoutHost(): DomainError {
  return new DomainError('invalid_argument', 'MALFORMED_REQUEST', 'The request has no Host header');
}

function begin(request: FastifyRequest, reply: FastifyReply): RequestContext {
  const requestId = requestIdOf(request);
  reply.header('X-Request-Id', requestId);
  return (request.context = { requestId, deadline: Date.now() + DEADLINE_MS });
}

/** A route that does not exist is nobody's, unless somebody says who they are. */
function isNobodys({ route, headers }: FastifyRequest): boolean {
  return route.url === undefined && headers.authorization === undefined;
}

/** Gives a caller who goes on with a stream that has been answered to its end the time to notice. */
async function endAfterAnswer(request: IncomingMessage): Promise<void> {
  await dropRest(request);
  if (!request.complete) request.destroy();
}

function requestIdOf(request: FastifyRequest): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
}
