import {
  Catch,
  HttpException,
  NotFoundException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { DomainError } from '@parley/errors';
import type { Logger, Metrics } from '@parley/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerTo } from './error.answer.ts';
import type { Reason } from './error.answers.ts';
import { errorCounter } from './request-metrics.ts';
import type { RouteTable } from './route-table.ts';
import { dropRest } from './unread-body.ts';

/** What a client can get wrong before a handler runs, by the status Fastify gives it. */
const STATUS_REASONS: Record<number, Reason> = {
  400: 'MALFORMED_REQUEST',
  408: 'MALFORMED_REQUEST',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** Every error, wherever it comes from, in the one shape of the REST surface. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly routes: RouteTable;
  private readonly logger: Logger;
  private readonly count: (request: FastifyRequest, reason: Reason) => void;

  constructor(routes: RouteTable, logger: Logger, metrics: Metrics) {
    this.routes = routes;
    this.logger = logger;
    this.count = errorCounter(metrics);
  }

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    const error = this.toDomainError(exception, request, reply);
    const { reason, status, body, retryAfter } = answerTo(error);
    this.count(request, reason);
    if (retryAfter !== undefined) reply.header('Retry-After', retryAfter);
    reply.status(status);
    if (reply.getHeader('connection') !== 'close') void reply.send(body);
    else void dropRest(request.raw).then(() => reply.send(body));
  }

  private toDomainError(exception: unknown, request: FastifyRequest, reply: FastifyReply): DomainError {
    if (exception instanceof DomainError) {
      if (exception.kind === 'unavailable' || exception.kind === 'internal') {
        // Which service said so; none where it was the gateway itself.
        const from = exception.domain === '' ? undefined : exception.domain;
        this.logger.warn(exception.message, { from, error: exception });
      }
      return exception;
    }
    if (exception instanceof NotFoundException) return this.noSuchRoute(request, reply);
    const reason = exception instanceof HttpException ? STATUS_REASONS[exception.getStatus()] : undefined;
    if (reason) return new DomainError('invalid_argument', reason, 'The request could not be read');
    // The client has gone; there is nobody to answer.
    if (request.raw.destroyed && !request.raw.complete)
      return new DomainError('invalid_argument', 'MALFORMED_REQUEST', 'The request was aborted');
    this.logger.error('Unexpected error', { error: exception });
    return new DomainError('internal', 'INTERNAL', 'Internal error');
  }

  private noSuchRoute(request: FastifyRequest, reply: FastifyReply): DomainError {
    const methods = this.routes.methodsOf(request.url);
    if (methods.length === 0) return new DomainError('not_found', 'ROUTE_NOT_FOUND', 'No such route');
    reply.header('Allow', methods.join(', '));
    return new DomainError('failed_precondition', 'METHOD_NOT_ALLOWED', 'The route has other methods');
  }
}
