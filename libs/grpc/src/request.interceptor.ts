import { randomUUID } from 'node:crypto';
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { runInRequest, type RequestContext } from '@parley/service';
import { Observable } from 'rxjs';

/** Makes the caller's request id, deadline and tenant those of the work done for it. */
@Injectable()
export class RequestInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [payload, metadata, call] =
      context.getArgs<[unknown, Metadata, ServerUnaryCall<unknown, unknown>]>();
    const request: RequestContext = {
      requestId: metadata.get('x-request-id')[0]?.toString() ?? randomUUID(),
      deadline: Number(call.getDeadline()),
    };
    const tenantId = tenantOf(payload);
    if (tenantId !== undefined) request.tenantId = tenantId;
    return new Observable((subscriber) => runInRequest(request, () => next.handle().subscribe(subscriber)));
  }
}

/** A batch may hold several tenants and names none. */
function tenantOf(payload: unknown): string | undefined {
  const tenantId = (payload as { tenantId?: unknown }).tenantId;
  return typeof tenantId === 'string' ? tenantId : undefined;
}
