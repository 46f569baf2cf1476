import { randomUUID } from 'node:crypto';
import { status as GrpcCode, type Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Metrics, runInRequest, type Logger, type RequestContext } from '@parley/service';
import { Observable } from 'rxjs';
import { codeOf } from './rpc-status.ts';
import { refuseUnreadable } from './unreadable.ts';

/** What an id may look like that goes into every line of the log. */
const SANE_ID = /^[\w.:-]{1,128}$/;

/**
 * Makes the caller's request id, deadline and tenant those of the work done for it, logs each call at debug and
 * measures how long it took.
 */
@Injectable()
export class RequestInterceptor implements NestInterceptor {
  private readonly logger: Logger;
  private readonly observe: (rpc: string, code: GrpcCode, seconds: number) => void;

  constructor(logger: Logger, metrics = new Metrics()) {
    this.logger = logger;
    this.observe = rpcDurations(metrics);
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
    return new Observable((subscriber) => {
      // Unless it completes or fails, its caller has gone.
      let code = GrpcCode.CANCELLED;
      const running = runInRequest(request, () =>
        next.handle().subscribe({
          next: (value) => subscriber.next(value),
          error: (error: unknown) => {
            code = codeOf(error);
            subscriber.error(error);
          },
          complete: () => {
            code = GrpcCode.OK;
            subscriber.complete();
          },
        }),
      );
      return () => {
        running.unsubscribe();
        const ms = performance.now() - begun;
        this.observe(rpc, code, ms / 1_000);
        this.logger.debug('Call', { rpc, ms: Math.round(ms) });
      };
    });
  }
}

/** Labels: rpc is the name of a handler of ours, code one of gRPC's. Each pair is looked up once. */
function rpcDurations(metrics: Metrics): (rpc: string, code: GrpcCode, seconds: number) => void {
  const durations = metrics.durations(
    'parley_rpc_server_duration_seconds',
    'How long calls took that this service answered, by RPC and gRPC code',
    ['rpc', 'code'],
  );
  const children = new Map<string, ReturnType<typeof durations.labels>>();
  return (rpc, code, seconds) => {
    const key = `${rpc} ${code}`;
    let child = children.get(key);
    if (!child) children.set(key, (child = durations.labels(rpc, GrpcCode[code])));
    child.observe(seconds);
  };
}

/** A batch has a tenant when all its items have the same. */
function tenantOf(payload: unknown): string | undefined {
  const { tenantId, requests } = payload as { tenantId?: unknown; requests?: unknown };
  if (typeof tenantId === 'string') return SANE_ID.test(tenantId) ? tenantId : undefined;
  if (!Array.isArray(requests) || requests.length === 0) return undefined;
  const first = tenantOf(requests[0]);
  return requests.every((item) => tenantOf(item) === first) ? first : undefined;
}
