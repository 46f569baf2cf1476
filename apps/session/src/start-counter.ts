import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import {
  ErrorReason,
  StartResult,
  type BatchStartSessionsRequest,
  type BatchStartSessionsResponse,
  type StartSessionRequest,
  type StartSessionResponse,
} from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { fromRpcStatus } from '@parley/grpc';
import { Metrics } from '@parley/service';
import { tap, type Observable } from 'rxjs';

type Outcome = 'started' | 'already_running' | 'replayed' | 'validated' | 'refused' | 'failed';
type Child = { inc: (value?: number) => void };
type Request = Partial<StartSessionRequest & BatchStartSessionsRequest>;

/** A refusal is the caller's affair, a failure ours. */
const FAILURES: DomainError['kind'][] = ['unavailable', 'internal', 'resource_exhausted'];

/** On an RPC that starts sessions, alone or as a batch: counts what became of each that was asked for. */
@Injectable()
export class StartCounter implements NestInterceptor {
  private readonly child: (outcome: Outcome, reason: string) => Child;

  constructor(metrics: Metrics) {
    const counter = metrics.counter(
      'parley_session_starts_total',
      'Starts asked for, by outcome; reason tells why one was refused or failed',
      ['outcome', 'reason'],
    );
    const children = new Map<string, Child>();
    this.child = (outcome, reason) => {
      const key = `${outcome} ${reason}`;
      let child = children.get(key);
      if (!child) children.set(key, (child = counter.labels(outcome, reason)));
      return child;
    };
    // From the beginning, so that a rate sees the first one.
    for (const outcome of ['started', 'already_running', 'replayed'] as const) this.child(outcome, '').inc(0);
    this.child('failed', 'UNAVAILABLE').inc(0);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [request] = context.getArgs<[Request]>();
    return next.handle().pipe(
      tap({
        next: (response: StartSessionResponse | BatchStartSessionsResponse) => {
          if ('outcomes' in response) this.countBatch(request, response);
          else this.countOne(response, request.validateOnly);
        },
        error: (error: unknown) => {
          this.countError(error, request.requests?.length);
        },
      }),
    );
  }

  private countBatch({ requests = [] }: Request, { outcomes }: BatchStartSessionsResponse): void {
    for (const [index, { outcome }] of outcomes.entries()) {
      if (outcome?.$case === 'session') this.countOne(outcome.value, requests[index]?.validateOnly);
      else if (outcome) this.countError(fromRpcStatus(outcome.value));
    }
  }

  private countOne({ result, replayed }: StartSessionResponse, validateOnly = false): void {
    if (validateOnly) this.child('validated', '').inc();
    else if (replayed) this.child('replayed', '').inc();
    else this.child(result === StartResult.STARTED ? 'started' : 'already_running', '').inc();
  }

  private countError(error: unknown, starts = 1): void {
    if (!(error instanceof DomainError)) return this.child('failed', 'INTERNAL').inc(starts);
    // Asked for an earlier start that was not there: the start that follows is counted.
    if (error.reason === 'REQUEST_ID_UNKNOWN') return;
    // Documented ones only, so that there are no more of them than of those.
    const reason = error.reason in ErrorReason ? error.reason : 'OTHER';
    this.child(FAILURES.includes(error.kind) ? 'failed' : 'refused', reason).inc(starts);
  }
}
