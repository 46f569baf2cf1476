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
import { ANSWERS, type Reason } from './error.answers.ts';
import { errorCounter } from './request-metrics.ts';
import type { RouteTable } from './route-table.ts';

/** Seconds after which a caller may try again, where nothing more exact is known. */
const RETRY_AFTER_SECONDS = '1';

/** What a client can get wrong before a handler runs, by the status Fastify gives it. */
const STATUS_REASONS: Record<number, Reason> = {
  400: 'MALFORMED_REQUEST',
  408: 'MALFORMED_REQUEST',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** Names that differ between the services and REST. An empty path is the body itself. */
const REST_NAMES: [RegExp, string][] = [
  [/^$/, 'body'],
  [/^page_token$/, 'after'],
  [/^fields\.tags\.tags\b/, 'tags'],
  [/^fields\.(?:add|remove)_tags\b.*/, 'tag'],
  [/^fields\./, ''],
];

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
    const reason: Reason = Object.hasOwn(ANSWERS, error.reason) ? (error.reason as Reason) : 'INTERNAL';
    const answer = ANSWERS[reason];
    this.count(request, reason);
    if (reason === 'UNAVAILABLE') reply.header('Retry-After', RETRY_AFTER_SECONDS);
    if (reason === 'RATE_LIMITED') reply.header('Retry-After', error.metadata['retry_after']);
    const body = 'fields' in answer ? validationBody(error, answer.as) : { error: answer.error };
    void reply.status(answer.status).send(body);
  }

  private toDomainError(exception: unknown, request: FastifyRequest, reply: FastifyReply): DomainError {
    if (exception instanceof DomainError) {
      if (exception.kind === 'unavailable' || exception.kind === 'internal') {
        this.logger.warn(exception.message, { error: exception });
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

function validationBody({ fields, message }: DomainError, as: string | undefined): object {
  const errors = new Map<string, string[]>();
  const problems = fields.length > 0 ? fields : [{ field: '', description: message }];
  for (const { field, description } of problems) {
    const name = as ?? restName(field);
    errors.set(name, [...(errors.get(name) ?? []), description]);
  }
  return { message: 'The given data was invalid.', errors: Object.fromEntries(errors) };
}

function restName(field: string): string {
  return REST_NAMES.reduce((name, [pattern, rest]) => name.replace(pattern, rest), field);
}
