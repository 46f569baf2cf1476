import { Catch, type ExceptionFilter } from '@nestjs/common';
import { DomainError } from '@parley/errors';
import type { Logger } from '@parley/service';
import { throwError, type Observable } from 'rxjs';
import { toServiceError } from './rpc-status.ts';

/** Answers a DomainError as itself, and anything else as INTERNAL without its internals, which go to the log. */
@Catch()
export class GrpcErrorFilter implements ExceptionFilter {
  private readonly domain: string;
  private readonly logger: Logger;

  constructor(domain: string, logger: Logger) {
    this.domain = domain;
    this.logger = logger;
  }

  catch(exception: unknown): Observable<never> {
    const error = this.toDomainError(exception);
    return throwError(() => toServiceError(error, this.domain));
  }

  private toDomainError(exception: unknown): DomainError {
    if (exception instanceof DomainError) {
      if (exception.kind === 'unavailable') this.logger.warn(exception.message, { error: exception });
      return exception;
    }
    this.logger.error('Unexpected error', { error: exception });
    return new DomainError('internal', 'INTERNAL', 'Internal error');
  }
}
