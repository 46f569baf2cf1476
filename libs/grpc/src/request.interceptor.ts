import { randomUUID } from 'node:crypto';
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { runInRequest, type Logger, type RequestContext } from '@parley/service';
import { finalize, Observable } from 'rxjs';
import { refuseUnreadable } from './unreadable.ts';

/** What an id may look like that goes into every line of the log. */
const SANE_ID = /^[\w.:-]{1,128}$/;

/** Makes the caller's request id, deadline and tenant those of the work done for it, and logs each call at debug. */
@Injectable()
export class RequestInterceptor implements NestInterceptor {
  private readonly logger: Logger;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [payload, metadata, call] =
      context.getArgs<[unknown, Metadata, ServerUnaryCall<unknown, unknown>]>();
    refuseUnreadable(payload);
    const given = metadata.get('x-request-id')[0]?.toString() ?? '';
    const request: RequestContext = {
      requestId: SANE_ID.test(given) ? given : randomUUID(),
      deadline: Number(call.getDeadline()),
    };
    const tenantId = tenantOf(payload);
    if (tenantId !== undefined) request.tenantId = tenantId;
    const rpc = context.getHandler().name;
    const begun = performance.now();
    const done = (): void => {
      this.logger.debug('Call', { rpc, ms: Math.round(performance.now() - begun) });
    };
    return new Observable((subscriber) =>
      runInRequest(request, () => next.handle().pipe(finalize(done)).subscribe(subscriber)),
    );
  }
}

/** A batch has a tenant when all its items have the same. */
function tenantOf(payload: unknown): string | undefined {
  const { tenantId, requests } = payload as { tenantId?: unknown; requests?: unknown };
  if (typeof tenantId === 'string') return SANE_ID.test(tenantId) ? tenantId : undefined;
  if (!Array.isArray(requests) || requests.length === 0) return undefined;
  const first = tenantOf(requests[0]);
  return requests.every((item) => tenantOf(item) === first) ? first : undefined;
}
